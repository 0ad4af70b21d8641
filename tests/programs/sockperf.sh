#!/usr/bin/env bash
# sockperf: ping-pong with its integrity check and playback under load, by UDP and TCP, with recvfrom, select and epoll.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need sockperf tshark

topology bridged
{
    echo "U:0.0.0.0:11111"
    echo "T:0.0.0.0:11112"
} >"$WORK/feed"
sed "s/0.0.0.0/$HOST_IP/" "$WORK/feed" >"$WORK/feed-host"
for handler in epoll select; do
    peer_bg "server-$handler" sockperf server -f "$WORK/feed" -F $handler
    server=$LAST
    peer_ready 11112
    capture $handler
    report=$(prog sockperf ping-pong -f "$WORK/feed-host" -F $handler -t 1 -m 512)
    check_match "client, $handler, UDP and TCP at once" 'dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0' "$report"
    check_capture 10000 10000
    stop "$server"
done
peer_bg server-plain sockperf server -i $HOST_IP -p 11113 --tcp
peer_bg server-udp sockperf server -i $HOST_IP -p 11113
peer_ready 11113
peer_ready 11113 udp
report=$(prog sockperf under-load -i $HOST_IP -p 11113 -t 1 -m 1000 --mps 5000)
check_match "client, under load, UDP" '# dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0' "$report"
report=$(prog sockperf ping-pong -i $HOST_IP -p 11113 --tcp --data-integrity -t 1 -m 1000)
check_match "client, ping-pong, TCP" '# dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0' "$report"
topology bridged
prog_bg server sockperf server -f "$WORK/feed" -F epoll
server=$LAST
prog_ready 11112
report=$(peer sockperf under-load -i $PROG_IP -p 11112 --tcp -t 1 -m 1000 --mps 5000)
check_match "server, TCP" '# dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0' "$report"
check "the server ends when told" stop "$server" INT
finish
