#!/usr/bin/env bash
# socat: TCP and UDP, connecting and listening, both directions at once.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need socat tshark

SIZE=20000000
make_data "$WORK/a.data" $SIZE
make_data "$WORK/b.data" $SIZE

for topology in direct bridged; do
    topology $topology

    capture "$topology-client"
    in_peer socat -t 10 - TCP4-LISTEN:9000,reuseaddr <"$WORK/b.data" >"$WORK/at-peer.data" 2>>"$WORK/peer.err" &
    server=$!
    PIDS+=("$server")
    peer_ready 9000
    mark
    prog socat -t 10 - TCP4:$HOST_IP:9000 <"$WORK/a.data" >"$WORK/at-prog.data"
    check_equal "socat as client ends with 0" 0 $?
    wait "$server"
    same_file "client to listener" "$WORK/a.data" "$WORK/at-peer.data"
    same_file "listener to client" "$WORK/b.data" "$WORK/at-prog.data"
    check_moved from $SIZE
    check_moved to $SIZE
    check_capture $SIZE $SIZE

    capture "$topology-listener"
    rm -f "$WORK/at-peer.data" "$WORK/at-prog.data"
    preload
    in_prog env "${PRELOAD[@]}" socat -t 10 - TCP4-LISTEN:9001,reuseaddr <"$WORK/a.data" >"$WORK/at-prog.data" 2>>"$WORK/prog.err" &
    server=$!
    PIDS+=("$server")
    call() {
        timeout -k 5 30 nsenter --net="/proc/$PEER_NS/ns/net" -- socat -t 10 - TCP4:"$PROG_IP":9001 <"$WORK/b.data" >"$WORK/at-peer.data" 2>>"$WORK/peer.err"
    }
    check "the kernel's socat reaches TCP4-LISTEN" await 10 call
    await 10 dead "$server" || not_ok "socat does not end after both directions"
    same_file "listener to client" "$WORK/a.data" "$WORK/at-peer.data"
    same_file "client to listener" "$WORK/b.data" "$WORK/at-prog.data"
    check_capture $SIZE $SIZE

    # UDP with datagrams over the MTU: fragments out and in.
    capture "$topology-udp"
    head -c 8000 "$WORK/a.data" >"$WORK/datagram.data"
    peer_bg udp socat -b 9000 UDP4-RECVFROM:9002 EXEC:cat
    peer_ready 9002 udp
    prog socat -b 9000 -t 2 - UDP4:$HOST_IP:9002 <"$WORK/datagram.data" >"$WORK/back.data"
    same_file "a datagram of 8000 bytes there and back" "$WORK/datagram.data" "$WORK/back.data"
    check_capture 0 0
done
finish
