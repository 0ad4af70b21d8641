#!/usr/bin/env bash
# Programs with raw sockets: traceroute by ICMP and by TCP, mtr's prober, hping3, and ping with sizes and options.
# (mtr itself is two programs on one device: its prober stands for it.)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need traceroute mtr-packet hping3 ping "$PYTHON"

FAR=10.99.0.2

# A router, which is the peer, and a host behind it.
beyond() {
    namespace
    FAR_NS=$LAST
    in_peer ip link add far0 type veth peer name far1 netns "$FAR_NS"
    in_peer ip addr add 10.99.0.1/24 dev far0
    in_peer ip link set far0 up
    nsenter --net="/proc/$FAR_NS/ns/net" -- sh -ec "
        ip addr add $FAR/24 dev far1
        ip link set far1 up
        ip route add default via 10.99.0.1"
    in_peer sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
    nsenter --net="/proc/$FAR_NS/ns/net" -- sysctl -qw net.ipv4.icmp_ratelimit=0
    [ -z "$NATIVE" ] || in_prog ip route add default via $HOST_IP
}

# With what it says on standard error.
# shellcheck disable=SC2016  # sh expands it
prog_all() { prog sh -c 'exec "$0" "$@" 2>&1' "$@"; }

hops() { awk '$1 ~ /^[0-9]+$/ { printf "%s%s", sep, $2; sep = " " } END { print "" }' <<<"$1"; }

topology bridged
beyond

check_equal "traceroute -I: both hops" "$HOST_IP $FAR" "$(hops "$(prog traceroute -n -I -q 2 -w 2 -m 5 $FAR)")"
check_equal "traceroute -T: both hops" "$HOST_IP $FAR" "$(hops "$(prog traceroute -n -T -q 2 -w 2 -m 5 $FAR)")"
check_equal "traceroute -T to an open port" "$HOST_IP $FAR" "$(
    nsenter --net="/proc/$FAR_NS/ns/net" -- "$PYTHON" -m http.server 8080 >/dev/null 2>&1 &
    server=$!
    sleep 1
    hops "$(prog traceroute -n -T -p 8080 -q 1 -w 2 -m 5 $FAR)"
    kill "$server"
)"
check_match "traceroute -I --mtu finds the link's" ' F=1500' "$(prog traceroute -n -I --mtu -m 3 -w 2 $FAR)"

probes=$(
    {
        for protocol in icmp udp tcp; do
            for ttl in 1 2; do echo "$ttl send-probe ip-4 $FAR ttl $ttl protocol $protocol"; done
            sleep 0.5
        done
        sleep 1
    } | prog mtr-packet | awk '{ print $2, $4 }' | sort | uniq -c | awk '{ print $1, $2, $3 }'
)
check_equal "mtr-packet: ICMP, UDP and TCP" "3 reply $FAR"$'\n'"3 ttl-expired $HOST_IP" "$probes"

device=$([ -n "$NATIVE" ] && echo veth0 || echo matnet0)
check_match "hping3 ICMP, its own headers" ' 3 packets received, 0% packet loss' "$(prog_all hping3 -n -I "$device" -1 -c 3 -i u50000 $FAR)"
check_match "hping3 SYN to a closed port: reset" 'flags=RA' "$(prog_all hping3 -n -I "$device" -S -p 7 -c 1 $FAR)"

# Raw sockets by hand: a protocol of nobody's, both ways.
cat >"$WORK/proto.py" <<'PY'
import hashlib, os, socket, sys
mine, peer = sys.argv[1] == "echo", sys.argv[2]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 253)
s.settimeout(8)
if mine:
    print("ready", flush=True)
    for _ in range(20):
        data, who = s.recvfrom(65535)
        s.sendto(data[(data[0] & 15) * 4:][::-1], who)
else:
    for n in range(20):
        data = os.urandom(1 + n * 2500)
        s.sendto(data, (peer, 0))
        back, who = s.recvfrom(65535)
        assert who[0] == peer and back[20:][::-1] == data, (n, who, len(back))
    print("same", n + 1)
PY
peer_bg echo "$PYTHON" "$WORK/proto.py" echo $PROG_IP
await 5 grep -q ready "$WORK/echo.log" || not_ok "the peer does not start"
check_equal "protocol 253: 1 to 47501 bytes there and back" "same 20" "$(prog "$PYTHON" "$WORK/proto.py" ask $HOST_IP)"

# ping's options. Its sockets are datagram ones, where it may have them.
cp "$(command -v ping)" "$WORK/ping"
[ -z "$NATIVE" ] || in_prog sysctl -qw net.ipv4.ping_group_range='0 2147483647'
check_match "ping -f" ' 500 packets transmitted, 500 received|500 packets transmitted, 500 received' "$(prog "$WORK/ping" -n -q -f -c 500 $FAR)"
check_match "ping -s 65507" ' 2 received, 0%' "$(prog "$WORK/ping" -n -q -s 65507 -i 0.1 -c 2 $FAR)"
check_match "ping -M do fits" ' 1 received, 0%' "$(prog "$WORK/ping" -n -q -M "do" -s 1472 -c 1 -W 2 $FAR)"
check_match "ping -M do does not fit" 'message too long, mtu.1500' "$(prog_all "$WORK/ping" -n -M "do" -s 1473 -c 1 -W 1 $FAR)"
check_match "ping -t 1 meets the router" "From $HOST_IP .*Time to live exceeded" "$(prog "$WORK/ping" -n -t 1 -c 1 -W 1 $FAR)"
if [ -z "$NATIVE" ]; then
    for option in -R "-T tsonly"; do
        # shellcheck disable=SC2086
        check_match "ping $option is refused in words" 'Protocol not available' "$(prog_all "$WORK/ping" -n $option -c 1 -W 1 $FAR)"
    done
    EXPECT_LINES='nothing'
    capable=$WORK/capable
    cp "$(command -v ping)" "$capable"
    setcap cap_net_raw=ep "$capable"
    said=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$MATNET" run -- "$capable" -c 1 $FAR 2>&1)
    check_match "matnet run says what is wrong with file capabilities, and the remedy" 'has file capabilities.*copy it' "$said"
    check_equal "in one line" 1 "$(wc -l <<<"$said")"
fi
finish
