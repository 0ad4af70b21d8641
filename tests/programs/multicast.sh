#!/usr/bin/env bash
# Multicast both ways, with the kernel on the other side; and a bridge that snoops and asks.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need socat tshark bridge "$PYTHON"

GROUP=239.77.1.1

# listen.py GROUP PORT COUNT [SOURCE]: prints COUNT datagrams and their sender. send.py GROUP PORT ADDRESS TTL COUNT.
cat >"$WORK/listen.py" <<'PY'
import hashlib, socket, sys
group, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
s.bind((group, port))
own = socket.inet_aton(sys.argv[4])
if len(sys.argv) > 5:
    s.setsockopt(socket.IPPROTO_IP, 39, socket.inet_aton(group) + own + socket.inet_aton(sys.argv[5]))
else:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + own)
print("ready", flush=True)
s.settimeout(20)
h = hashlib.sha256()
try:
    for _ in range(count):
        data, who = s.recvfrom(65535)
        h.update(data)
    print(count, who[0], h.hexdigest()[:16], flush=True)
except TimeoutError:
    print("nothing", flush=True)
PY
cat >"$WORK/send.py" <<'PY'
import hashlib, random, socket, sys, time
group, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[4]))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 3)
h = hashlib.sha256()
r = random.Random(7)
for n in range(count):
    data = r.randbytes(1 + n * 37 % 4000)
    h.update(data)
    s.sendto(data, (group, port))
    time.sleep(0.0005)
print(count, sys.argv[4], h.hexdigest()[:16])
PY
# Two that find each other, as responders of mDNS do.
cat >"$WORK/find.py" <<'PY'
import socket, struct, sys, time
me, own = sys.argv[1], socket.inet_aton(sys.argv[2])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 5353))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + own)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, own)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
s.settimeout(0.2)
seen, end = set(), time.time() + 10
while time.time() < end and len(seen) < 2:
    s.sendto(me.encode(), ("224.0.0.251", 5353))
    try:
        while True:
            seen.add(s.recvfrom(100)[0].decode())
    except TimeoutError:
        pass
s.sendto(me.encode(), ("224.0.0.251", 5353))
print(" ".join(sorted(seen)), flush=True)
PY

ready() { grep -qs ready "$WORK/$1.log"; }
said() { await 20 grep -qE '^([0-9]+|nothing) ?' "$WORK/$1.log"; tail -n 1 "$WORK/$1.log"; }
in_mdb() { in_prog bridge mdb show dev br0 2>/dev/null | grep "port $1 grp $2" >/dev/null; }
not_in_mdb() { ! in_mdb "$@"; }
joined_by_peer() { in_peer ip -4 maddr show | grep -F "$1" >/dev/null; }

for topology in direct bridged; do
    topology $topology
    rm -f "$WORK/listen.log" "$WORK/peer_listen.log" "$WORK/source.log" "$WORK/socat.out"
    capture $topology
    # To the program.
    prog_bg listen "$PYTHON" "$WORK/listen.py" $GROUP 5001 200 $PROG_IP
    await 15 ready listen || not_ok "the program does not start"
    sent=$(peer "$PYTHON" "$WORK/send.py" $GROUP 5001 200 $HOST_IP)
    check_equal "200 datagrams of 1 to 4000 bytes to the program" "$sent" "$(said listen)"
    stop "$LAST" KILL
    if [ -z "$NATIVE" ]; then
        joins=$(tshark -r "$CAPTURE" -n -Y "igmp.type == 0x22 && igmp.maddr == $GROUP && ip.ttl == 1 && ip.opt.type == 148" -T fields -e igmp.record_type 2>/dev/null | sort | uniq -c | awk '{ print $2 "x" $1 }' | tr '\n' ' ')
        check_match "IGMPv3 told of joining, with Router Alert" '4x[12]' "$joins"
        check_capture 0 0
    fi
    capture $topology-from
    if [ $topology = direct ] && [ -z "$NATIVE" ]; then
        # The kernel's members need the device before the program makes it.
        in_prog ip tuntap add dev matnet0 mode tap
        in_prog ip addr add $HOST_IP/24 dev matnet0
        in_prog ip link set matnet0 up
    fi
    # From the program.
    peer_bg peer_listen "$PYTHON" "$WORK/listen.py" $GROUP 5002 200 $HOST_IP
    await 10 ready peer_listen || not_ok "the peer does not start"
    check "the peer's kernel is in the group" joined_by_peer $GROUP
    sent=$(prog "$PYTHON" "$WORK/send.py" $GROUP 5002 200 $PROG_IP)
    check_equal "200 datagrams from the program" "$sent" "$(said peer_listen)"
    # From one source only.
    prog_bg source "$PYTHON" "$WORK/listen.py" $GROUP 5003 1 $PROG_IP $HOST_IP
    await 15 ready source || not_ok "the program does not start"
    sent=$(peer "$PYTHON" "$WORK/send.py" $GROUP 5003 1 $HOST_IP)
    check_equal "a group joined for one source" "$sent" "$(said source)"
    # socat, with its own ideas of options.
    prog_bg socat socat -u "UDP4-RECV:5004,ip-add-membership=$GROUP:$PROG_IP" "CREATE:$WORK/socat.out"
    sleep 1.5
    peer bash -c "echo over socat | socat -u - UDP4-DATAGRAM:$GROUP:5004,ip-multicast-if=$HOST_IP,ip-multicast-ttl=2"
    await 5 test -s "$WORK/socat.out"
    check_equal "socat under the library" "over socat" "$(cat "$WORK/socat.out")"
    stop "$LAST" TERM
    peer_bg answer "$PYTHON" "$WORK/find.py" peer $HOST_IP
    check_equal "responders find each other, and hear themselves" "peer program" "$(prog "$PYTHON" "$WORK/find.py" program $PROG_IP)"
    check_capture 0 0
    # check_capture removes it when it is clean.
done

if [ -z "$NATIVE" ]; then
    topology bridged
    in_prog ip link set br0 type bridge mcast_snooping 1 mcast_querier 1 mcast_query_interval 100 mcast_membership_interval 250 mcast_query_response_interval 50 mcast_startup_query_interval 100 mcast_igmp_version 3
    capture snooping
    prog_bg snooped "$PYTHON" "$WORK/listen.py" $GROUP 5005 3 $PROG_IP
    await 15 ready snooped || not_ok "the program does not start"
    check "the bridge knows that the program is in the group" await 5 in_mdb matnet0 $GROUP
    sleep 5
    check "answers to its queries keep it there" in_mdb matnet0 $GROUP
    sent=$(peer "$PYTHON" "$WORK/send.py" $GROUP 5005 3 $HOST_IP)
    check_equal "through the snooping bridge" "$sent" "$(said snooped)"
    check "leaving is heard" await 5 not_in_mdb matnet0 $GROUP
    answers=$(tshark -r "$CAPTURE" -n -Y "igmp.type == 0x22 && igmp.record_type == 2" 2>/dev/null | wc -l)
    if [ "$answers" -ge 3 ]; then ok "$answers answers to queries"; else not_ok "$answers answers to queries"; fi
    in_prog ip link set br0 type bridge mcast_igmp_version 2
    sleep 1.5
    capture older
    prog_bg older "$PYTHON" "$WORK/listen.py" $GROUP 5006 1 $PROG_IP
    await 15 ready older || not_ok "the program does not start"
    sleep 3
    peer "$PYTHON" "$WORK/send.py" $GROUP 5006 1 $HOST_IP >/dev/null
    check_match "through a bridge of IGMP version 2" '^1 ' "$(said older)"
    for kind in 0x16 0x17; do
        check_match "the program speaks version 2: $kind" '[1-9]' "$(tshark -r "$CAPTURE" -n -Y "igmp.type == $kind" 2>/dev/null | wc -l)"
    done
fi
finish
