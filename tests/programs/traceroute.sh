#!/usr/bin/env bash
# traceroute and tracepath through two routers: IP_RECVERR and MSG_ERRQUEUE, IP_TTL, SO_TIMESTAMP, IP_MTU_DISCOVER.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need traceroute tracepath

MIDDLE=10.88.46.2
FAR=10.88.47.2

# The peer routes to a second router, that one to the last host over a link with a small MTU.
routers() {
    local middle far
    namespace
    middle=$LAST
    namespace
    far=$LAST
    in_peer ip link add up0 mtu 1400 type veth peer name up1 netns "$middle"
    in_peer ip addr add 10.88.46.1/24 dev up0
    in_peer ip link set up0 up
    in_peer ip route add 10.88.47.0/24 via $MIDDLE
    nsenter --net="/proc/$middle/ns/net" -- ip link set up1 mtu 1400 up
    nsenter --net="/proc/$middle/ns/net" -- ip addr add $MIDDLE/24 dev up1
    nsenter --net="/proc/$middle/ns/net" -- ip route add default via 10.88.46.1
    nsenter --net="/proc/$middle/ns/net" -- ip link add far0 mtu 1300 type veth peer name far1 netns "$far"
    nsenter --net="/proc/$middle/ns/net" -- ip addr add 10.88.47.1/24 dev far0
    nsenter --net="/proc/$middle/ns/net" -- ip link set far0 up
    nsenter --net="/proc/$far/ns/net" -- ip link set far1 mtu 1300 up
    nsenter --net="/proc/$far/ns/net" -- ip addr add $FAR/24 dev far1
    nsenter --net="/proc/$far/ns/net" -- ip route add default via 10.88.47.1
    [ -z "$NATIVE" ] || in_prog ip route add default via $HOST_IP
    for router in "$PEER_NS" "$middle" "$far"; do
        nsenter --net="/proc/$router/ns/net" -- sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=100000
    done
}

hops() { sed -n 's/^ *\([0-9]*\)[?:]* *\([0-9.]*\) .*/\1 \2/p' <<<"$1" | tr '\n' ','; }

topology bridged
routers
# First, since the kernel's own stack remembers the path's MTU from one program to the next.
report=$(prog tracepath -n $FAR)
check_match "tracepath reaches the end" "3: *$FAR .*reached" "$report"
check_match "knows the path's MTU" 'Resume: pmtu 1300 hops 3 back 3' "$report"
check_match "and who told it" "$MIDDLE .*pmtu 1300" "$report"
report=$(prog traceroute -n -w 2 $FAR)
check_equal "traceroute names each hop" "1 $HOST_IP,2 $MIDDLE,3 $FAR," "$(hops "$report")"
check_equal "with three times each" 9 "$(grep -o ' ms' <<<"$report" | wc -l)"
check_equal "none lost" 0 "$(grep -c '\*' <<<"$report")"
report=$(prog traceroute -n -w 2 $HOST_IP)
check_equal "to the neighbour" "1 $HOST_IP," "$(hops "$report")"
report=$(prog traceroute -n -w 2 -p 5353 -U $FAR)
check_equal "to one port (-U)" "1 $HOST_IP,2 $MIDDLE,3 $FAR," "$(hops "$report")"
report=$(prog traceroute -n -w 2 -f 2 -m 2 $FAR)
check_equal "the second hop alone" "2 $MIDDLE," "$(hops "$report")"
report=$(prog traceroute -n -w 2 -F --mtu -q 1 $FAR 1500)
check_match "--mtu finds the smaller link" 'F=1400' "$report"
check_match "and the smallest" 'F=1300' "$report"
report=$(prog traceroute -n -w 1 -q 1 -m 1 10.88.45.99)
check_match "nobody at that address" '!H|\*' "$report"
finish
