#!/usr/bin/env bash
# nc (OpenBSD): as client and as listener, sending and receiving; a datagram there and back.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need nc socat tshark

SIZE=20000000
make_data "$WORK/in.data" $SIZE

# One direction at a time: with both at once nc itself loses bytes, on the kernel too.
# listen prog|peer PORT INPUT OUTPUT: nc -l in the background, pid in LAST.
listen() {
    local where=$1 port=$2
    PRELOAD=()
    [ "$where" = peer ] || preload
    "in_$where" env "${PRELOAD[@]}" nc -l -N "$port" <"$3" >"$4" 2>>"$WORK/$where.err" &
    LAST=$!
    PIDS+=("$LAST")
}

for topology in direct bridged; do
    topology $topology
    rm -f "$WORK/out.data"

    capture "$topology-client-sends"
    listen peer 9000 /dev/null "$WORK/out.data"
    server=$LAST
    peer_ready 9000
    mark
    prog nc -N $HOST_IP 9000 <"$WORK/in.data" >/dev/null
    check_equal "nc sends as client and ends with 0" 0 $?
    await 10 dead "$server" || not_ok "the peer's nc does not see the end"
    same_file "client to listener" "$WORK/in.data" "$WORK/out.data"
    check_moved from $SIZE
    check_capture $SIZE 0

    capture "$topology-client-receives"
    listen peer 9000 "$WORK/in.data" /dev/null
    peer_ready 9000
    mark
    prog nc -d $HOST_IP 9000 >"$WORK/out.data"
    check_equal "nc receives as client and ends with 0" 0 $?
    same_file "listener to client" "$WORK/in.data" "$WORK/out.data"
    check_moved to $SIZE
    check_capture 0 $SIZE

    capture "$topology-listener-receives"
    listen prog 9001 /dev/null "$WORK/out.data"
    server=$LAST
    call() { timeout -k 5 30 nsenter --net="/proc/$PEER_NS/ns/net" -- nc -N "$PROG_IP" 9001 <"$WORK/in.data" >/dev/null 2>&1; }
    check "the kernel's nc reaches nc -l" await 10 call
    await 10 dead "$server" || not_ok "nc -l does not end"
    same_file "client to nc -l" "$WORK/in.data" "$WORK/out.data"
    check_capture 0 $SIZE

    capture "$topology-listener-sends"
    listen prog 9002 "$WORK/in.data" /dev/null
    server=$LAST
    call() { timeout -k 5 30 nsenter --net="/proc/$PEER_NS/ns/net" -- nc -d "$PROG_IP" 9002 >"$WORK/out.data" 2>&1; }
    check "the kernel's nc reaches nc -l" await 10 call
    await 10 dead "$server" || not_ok "nc -l does not end"
    same_file "nc -l to client" "$WORK/in.data" "$WORK/out.data"
    check_capture $SIZE 0

    capture "$topology-udp"
    peer_bg udp socat UDP4-RECVFROM:9003 EXEC:cat
    peer_ready 9003 udp
    check_equal "a datagram there and back" "hello" "$(printf 'hello\n' | prog nc -u -w 1 $HOST_IP 9003)"
    check_capture 6 6
done
finish
