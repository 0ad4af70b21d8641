#!/usr/bin/env bash
# A router in the middle whose way onwards takes smaller packets. First it says so (frag-needed of a real kernel): the program follows,
# for TCP and UDP. Then it does not (nft drops its messages: a black hole), and the program finds out by probing (RFC 4821). Both
# directions: what the kernel at the far end sends is too large as well.
# alone: it waits for time-outs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl tshark nft nstat
library_only
SIZE=4000000
FAR_IP=10.99.0.2
HERE_MTU=1500
mkdir -p "$WORK/www"
make_data "$WORK/www/file.data" $SIZE

# routed TO-FAR TO-PROGRAM: program - router - far end, and the MTU of the router's routes.
routed() {
    topology bridged
    ROUTER=$PEER_NS
    namespace
    FAR=$LAST
    nsenter --net="/proc/$ROUTER/ns/net" -- sh -ec "
        ip link add veth2 type veth peer name veth3 netns $FAR
        ip addr add 10.99.0.1/24 dev veth2
        ip link set veth2 up
        echo 1 >/proc/sys/net/ipv4/ip_forward
        ip route replace 10.99.0.0/24 dev veth2 mtu lock $1
        ip route replace 10.88.45.0/24 dev veth1 mtu lock $2
    "
    nsenter --net="/proc/$FAR/ns/net" -- sh -ec "
        ip addr add $FAR_IP/24 dev veth3
        ip link set veth3 up
        ip route add default via 10.99.0.1
        echo 1 >/proc/sys/net/ipv4/tcp_mtu_probing
    "
    PEER_NS=$FAR
    http_peer
}

# silent: the router's complaints are dropped.
silent() {
    nsenter --net="/proc/$ROUTER/ns/net" -- nft -f - <<'NFT'
table ip hole {
    counter dropped { }
    chain out { type filter hook output priority 0; icmp type destination-unreachable icmp code frag-needed counter name dropped drop; }
}
NFT
}

fields() { tshark -r "$CAPTURE" -n -Y "$1" -T fields -e "$2" 2>/dev/null; }

upload() {
    check "an upload of $SIZE bytes" prog curl -sS -T "$WORK/www/file.data" -o /dev/null "http://$FAR_IP:8000/got.data"
    same_file "the file" "$WORK/www/file.data" "$WORK/www/got.data"
}

download() {
    check "a download of $SIZE bytes" prog curl -sS -o "$WORK/got.data" "http://$FAR_IP:8000/file.data"
    same_file "the file" "$WORK/www/file.data" "$WORK/got.data"
}

# 1. The router says what it takes.
routed 1200 $HERE_MTU
capture told
upload
check "the router complained: $(fields 'icmp.type==3 && icmp.code==4' icmp.mtu | sort | uniq -c | tr -s ' \n' ' ')" \
    [ "$(fields 'icmp.type==3 && icmp.code==4' icmp.mtu | sort -u)" = 1200 ]
check_match "TCP_INFO and the route agree (python)" '^1200 1148$' "$(prog "$PYTHON" - <<PY
import socket, struct
s = socket.create_connection(("$FAR_IP", 8000))
s.sendall(b"PUT /x HTTP/1.0\r\nContent-Length: 100000\r\n\r\n" + bytes(100000))
s.recv(100)
info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
print(struct.unpack_from("I", info, 60)[0], struct.unpack_from("I", info, 16)[0])
PY
)"
check_match "a datagram socket is told EMSGSIZE and the MTU" '^90 1200$' "$(prog "$PYTHON" - <<PY
import socket, time
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
s.connect(("$FAR_IP", 9))
s.send(bytes(1472))
for n in range(100):
    if s.getsockopt(socket.IPPROTO_IP, IP_MTU) != 1500:
        break
    time.sleep(0.05)
try:
    s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    s.send(bytes(1173))
    print("sent")
except OSError as e:
    print(e.errno, s.getsockopt(socket.IPPROTO_IP, IP_MTU))
PY
)"

# 2. The far end's packets are too large: its kernel follows, what it sends again arrives once.
routed $HERE_MTU 1200
capture told_far
download

# 3. The router says nothing of the program's packets.
routed 1200 $HERE_MTU
silent
capture hole
upload
dropped=$(nsenter --net="/proc/$ROUTER/ns/net" -- nft list counter ip hole dropped | awk '/packets/ { print $2 }')
check "the router's complaints were dropped: $dropped" [ "$dropped" -gt 0 ]
none=$(fields 'icmp.type==3' icmp.mtu)
check_equal "none came to the program" '' "$none"
check_match "it found the size by probing, but for some bytes" '^11[34][0-9]$' "$(prog "$PYTHON" - <<PY
import socket, struct
s = socket.create_connection(("$FAR_IP", 8000))
s.sendall(b"PUT /x HTTP/1.0\r\nContent-Length: 8000000\r\n\r\n" + bytes(8000000))
s.recv(100)
print(struct.unpack_from("I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 16)[0])
PY
)"

# 4. Nor of the far end's (its kernel probes, net.ipv4.tcp_mtu_probing=1).
routed $HERE_MTU 1200
silent
capture hole_far
download

# 5. A path below 552 bytes is not followed: packets of that size go without DF, and the router cuts them (Linux: ip_rt_min_pmtu).
routed 400 $HERE_MTU
capture narrow
upload
check_match "the last packets may be cut" '^(0|False)$' "$(fields "ip.src==$PROG_IP && tcp.len>0" ip.flags.df | tail -n 1)"
check "the far end put them together: $(in_peer nstat -as IpReasmOKs | awk '/IpReasmOKs/ { print $2 }')" \
    [ "$(in_peer nstat -as IpReasmOKs | awk '/IpReasmOKs/ { print $2 }')" -gt 1000 ]
finish
