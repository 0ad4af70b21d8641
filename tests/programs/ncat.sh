#!/usr/bin/env bash
# ncat (nmap): client and listener both ways at once, TLS, UDP, several clients with --broker.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need ncat socat tshark

SIZE=10000000
make_data "$WORK/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
certificate
# ended PID: a background job, by itself
ended() { await 10 dead "$1" || not_ok "ncat does not end"; }

topology bridged
# pass WHERE INPUT OUTPUT NCAT-ARGS...: ncat in the background, its pid in LAST
pass() {
    local where=$1 input=$2 output=$3
    shift 3
    PRELOAD=()
    [ "$where" = peer ] || preload
    nsenter --net="/proc/$([ "$where" = peer ] && echo "$PEER_NS" || echo "$PROG_NS")/ns/net" -- env "${PRELOAD[@]}" \
        timeout 30 ncat "$@" <"$input" >"$output" 2>>"$WORK/$where.err" &
    LAST=$!
    PIDS+=("$LAST")
}

capture client
pass peer "$WORK/b.data" "$WORK/at-peer.data" -4 -l 9000
server=$LAST
peer_ready 9000
prog ncat $HOST_IP 9000 <"$WORK/a.data" >"$WORK/at-prog.data"
check_equal "client ends with 0" 0 $?
ended "$server"
same_file "client to listener" "$WORK/a.data" "$WORK/at-peer.data"
same_file "listener to client" "$WORK/b.data" "$WORK/at-prog.data"
check_capture $SIZE $SIZE
capture listener
pass prog "$WORK/a.data" "$WORK/at-prog.data" -4 -l 9001
server=$LAST
call() { in_peer timeout 20 ncat "$PROG_IP" 9001 <"$WORK/b.data" >"$WORK/at-peer.data" 2>>"$WORK/peer.err"; }
check "the kernel's ncat reaches ncat -l" await 10 call
ended "$server"
same_file "ncat -l to client" "$WORK/a.data" "$WORK/at-peer.data"
same_file "client to ncat -l" "$WORK/b.data" "$WORK/at-prog.data"
check_capture $SIZE $SIZE

# With TLS one direction: the end that has sent everything closes over what it has not read (session tickets), on the kernel too.
TLS=(-4 --ssl --ssl-cert "$WORK/cert.pem" --ssl-key "$WORK/key.pem" --send-only -l)
capture tls-client
pass peer "$WORK/a.data" /dev/null "${TLS[@]}" 9100
server=$LAST
peer_ready 9100
prog ncat --ssl --recv-only $HOST_IP 9100 >"$WORK/at-prog.data"
check_equal "TLS client ends with 0" 0 $?
ended "$server"
same_file "TLS client receives 10 MB" "$WORK/a.data" "$WORK/at-prog.data"
check_capture 100 $SIZE
capture tls-listener
pass prog "$WORK/b.data" /dev/null "${TLS[@]}" 9101
server=$LAST
call() { in_peer timeout 20 ncat --ssl --recv-only "$PROG_IP" 9101 >"$WORK/at-peer.data" 2>>"$WORK/peer.err"; }
check "the kernel's ncat reaches ncat -l by TLS" await 10 call
ended "$server"
same_file "TLS listener sends 10 MB" "$WORK/b.data" "$WORK/at-peer.data"
check_capture $SIZE 100

head -c 1400 "$WORK/a.data" >"$WORK/datagram.data"
capture udp
peer_bg udp socat -b 9000 UDP4-RECVFROM:9002 EXEC:cat
peer_ready 9002 udp
{ cat "$WORK/datagram.data" && sleep 0.5; } | prog ncat -u $HOST_IP 9002 >"$WORK/back.data"
same_file "a datagram there and back" "$WORK/datagram.data" "$WORK/back.data"
check_capture 1400 1400

capture broker
prog_bg broker ncat -4 -l 9003 --broker
broker=$LAST
prog_ready 9003
for i in 1 2 3; do
    peer_bg "listener$i" timeout 10 ncat --recv-only $PROG_IP 9003
    eval "listener$i=\$LAST"
done
sleep 0.7
peer ncat --send-only $PROG_IP 9003 <"$WORK/a.data"
arrived() { [ "$(stat -c %s "$WORK/listener1.log" "$WORK/listener2.log" "$WORK/listener3.log" | sort -u)" = "$SIZE" ]; }
await 10 arrived
# shellcheck disable=SC2154  # set by eval
for i in "$listener1" "$listener2" "$listener3"; do stop "$i"; done
for i in 1 2 3; do same_file "10 MB to each of three by the broker, $i" "$WORK/a.data" "$WORK/listener$i.log"; done
check "the broker ends when told" stop "$broker"
check_capture $((3 * SIZE)) $SIZE

finish
