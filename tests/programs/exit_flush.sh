#!/usr/bin/env bash
# Exit: accepted bytes reach the peer however the program leaves, then FIN; and leaving is bounded.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need cc tshark "$PYTHON"
compile flush

SIZE=10000000
"$PYTHON" - $SIZE <<'PY' >"$WORK/expected"
import hashlib, sys
n = int(sys.argv[1])
period = 1 << 32
print(hashlib.sha256(bytes(((i * 2654435761) & 0xFFFFFFFF) >> 13 & 0xFF for i in range(n))).hexdigest())
PY
EXPECTED="$SIZE $(cat "$WORK/expected") eof"

for topology in direct bridged; do
    topology $topology
    port=9000
    # What a way of leaving runs is the same in both topologies.
    ways=(return exit _exit _Exit quick_exit exit_group last_thread pthread_exit close shutdown thread stream)
    [ $topology = direct ] || [ -n "$LONG" ] || ways=(return _exit close thread)
    for way in "${ways[@]}"; do
        port=$((port + 1))
        capture "$topology-$way"
        # The peer does not read for half a second: what is in the send buffer then must survive the exit.
        peer_bg "sink$port" "$PYTHON" "$HELPERS/sink.py" $port 1 0.5
        sink=$LAST
        peer_ready $port
        mark
        prog "$WORK/flush" "$way" $HOST_IP $port $SIZE
        check_equal "$way: status" 0 $?
        await 15 dead "$sink" || true
        check_equal "$way: the peer has every byte, then the end" "$EXPECTED" "$(cat "$WORK/sink$port.log")"
        check_moved from $SIZE
        check_capture $SIZE 0
    done

    # A small program is not held up by TIME_WAIT, which takes a minute.
    OPTIONS=()
    peer_bg sink "$PYTHON" "$HELPERS/sink.py" 9100 1
    peer_ready 9100
    begin=${EPOCHREALTIME/./}
    prog "$WORK/flush" return $HOST_IP 9100 1000
    took=$(((${EPOCHREALTIME/./} - begin) / 1000))
    if [ $took -lt 20000 ]; then ok "a small program ends after $took ms"; else not_ok "a small program takes $took ms"; fi

    if [ -z "$NATIVE" ]; then
        # A peer that never reads: leaving is bounded by MATNET_LINGER, which is 5 s unless set.
        OPTIONS=(MATNET_LINGER=1s)
        peer_bg stubborn "$PYTHON" "$HELPERS/sink.py" 9101 1 30
        peer_ready 9101
        begin=${EPOCHREALTIME/./}
        prog "$WORK/flush" return $HOST_IP 9101 100000
        took=$(((${EPOCHREALTIME/./} - begin) / 1000))
        if [ $took -lt 4800 ]; then ok "with a peer that does not read, MATNET_LINGER=1s ends it after $took ms"; else not_ok "MATNET_LINGER=1s: $took ms"; fi
        # A peer that is gone: the same.
        OPTIONS=(MATNET_LINGER=1s)
        begin=${EPOCHREALTIME/./}
        prog "$PYTHON" - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"x", ("10.88.45.99", 9))
PY
        took=$(((${EPOCHREALTIME/./} - begin) / 1000))
        if [ $took -lt 4800 ]; then ok "with a datagram to nobody it ends after $took ms"; else not_ok "with a datagram to nobody: $took ms"; fi
    fi

    # Closing with unread data resets, as on the kernel.
    capture "$topology-unread"
    cat >"$WORK/peer.py" <<'PY'
import socket
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("0.0.0.0", 9102))
l.listen()
c, _ = l.accept()
c.sendall(b"y" * 5000)
try:
    while c.recv(1000):
        pass
    print("eof")
except ConnectionResetError:
    print("reset")
PY
    peer_bg unread "$PYTHON" "$WORK/peer.py"
    peer_ready 9102
    prog "$PYTHON" - <<'PY'
import socket, time
s = socket.create_connection(("10.88.45.1", 9102))
s.recv(10)
time.sleep(0.3)
s.close()
time.sleep(0.3)
PY
    sleep 0.2
    check_equal "close with unread data: the peer sees" reset "$(cat "$WORK/unread.log")"
done
finish
