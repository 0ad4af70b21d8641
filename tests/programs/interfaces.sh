#!/usr/bin/env bash
# What programs see of their host's links, addresses and routes: getifaddrs, netlink, if_nametoindex. It is the program's own host that they
# see, with or without a socket of theirs; the kernel's end of the cable is not.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need ip ss hostname "$PYTHON" tshark

topology bridged
MAC=02:00:5e:10:00:07
OPTIONS=("MATNET_MAC=$MAC" MATNET_MTU=1400)
KERNEL_MAC=$(in_prog ip -o link show matnet0 | sed -n 's,.*link/ether \([0-9a-f:]*\).*,\1,p')

all=$(prog ip addr)
check_match "ip addr: the program's address" 'inet 10.88.45.2/24 brd 10.88.45.255 scope global matnet0' "$all"
check_match "ip addr: lo" 'inet 127.0.0.1/8 scope host lo' "$all"
check_equal "ip addr: two links" 2 "$(grep -c '^[0-9]' <<<"$all")"
link=$(prog ip -o link)
check_match "ip link: MAC, MTU, state" "matnet0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1400 .*state UP .*link/ether $MAC brd ff:ff:ff:ff:ff:ff" "$link"
if grep -q "$KERNEL_MAC\|br0\|veth0" <<<"$link"; then not_ok "ip link shows the kernel's: $link"; else ok "ip link: nothing of the kernel's end"; fi
check_match "ip addr show dev" '10.88.45.2/24' "$(prog ip -4 addr show dev matnet0)"
check_match "ip -json" '"local": ?"10.88.45.2"' "$(prog ip -json addr show matnet0)"
check_match "ip link show of one" "^[0-9]+: lo:" "$(prog ip link show lo)"
prog ip link show br0 >/dev/null 2>&1
check_equal "ip link show of the kernel's bridge" 1 $?
check_equal "ip -6 addr" "" "$(prog ip -6 addr)"
check_equal "ip route" "default via 10.88.45.1 dev matnet0 
10.88.45.0/24 dev matnet0 proto kernel scope link src 10.88.45.2 " "$(prog ip route)"
check_match "ip route get" '192.0.2.1 via 10.88.45.1 dev matnet0 src 10.88.45.2' "$(prog ip route get 192.0.2.1)"
check_match "ip route get of a neighbour" '^10.88.45.1 dev matnet0 src 10.88.45.2' "$(prog ip route get 10.88.45.1)"
check_match "ip route show table local" 'local 10.88.45.2 dev matnet0 .*src 10.88.45.2' "$(prog ip route show table local)"
check_match "hostname -I" '^10.88.45.2 ?$' "$(prog hostname -I)"
check "ip neigh runs" prog ip neigh
check_match "ss runs" 'Netid|State' "$(prog ss -tan)"
if [ -e "/proc/$PROG_NS/ns/net" ]; then
    # None of these opened the device: it has sent nothing.
    check_equal "the device was not opened to look" 0 "$(device_bytes "$PROG_NS" matnet0 rx)"
fi

PY='
import ctypes, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
class sockaddr(ctypes.Structure): _fields_ = [("family", ctypes.c_ushort), ("data", ctypes.c_ubyte * 26)]
class ifaddrs(ctypes.Structure): pass
ifaddrs._fields_ = [("next", ctypes.POINTER(ifaddrs)), ("name", ctypes.c_char_p), ("flags", ctypes.c_uint),
    ("addr", ctypes.POINTER(sockaddr)), ("mask", ctypes.POINTER(sockaddr)), ("ifu", ctypes.POINTER(sockaddr)), ("data", ctypes.c_void_p)]
def interfaces():
    first = ctypes.POINTER(ifaddrs)()
    if libc.getifaddrs(ctypes.byref(first)): sys.exit("getifaddrs failed")
    at, out = first, []
    while at:
        i = at.contents
        if i.addr and i.addr.contents.family == socket.AF_INET:
            ip = lambda p: socket.inet_ntoa(bytes(p.contents.data[2:6])) if p else None
            out.append((i.name.decode(), ip(i.addr), ip(i.mask), ip(i.ifu) if i.flags & 2 else None))
        elif i.addr and i.addr.contents.family == socket.AF_PACKET:
            out.append((i.name.decode(), bytes(i.addr.contents.data[10:16]).hex(":")))
        at = i.next
    libc.freeifaddrs(first)
    return out
before = interfaces()
s = socket.socket(); s.bind(("10.88.45.2", 0))
print(before == interfaces(), before)
print(socket.if_nameindex() == [(socket.if_nametoindex(n), n) for n in ("lo", "matnet0")], socket.if_indextoname(1))
for call in (lambda: socket.if_nametoindex("br0"), lambda: socket.if_indextoname(9999)):
    try: print(call())
    except OSError as e: print(e.errno)
'
check_equal "python: getifaddrs before and after the first socket, if_nameindex" "True [('lo', '00:00:00:00:00:00'), ('matnet0', '$MAC'), ('lo', '127.0.0.1', '255.0.0.0', None), ('matnet0', '10.88.45.2', '255.255.255.0', '10.88.45.255')]
True lo
None
6" "$(prog "$PYTHON" -c "$PY")"

http_peer
neighbours=$(prog "$PYTHON" -c '
import socket, struct
c = socket.create_connection(("10.88.45.1", 8000))
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.send(struct.pack("=IHHII", 28, 30, 0x301, 1, 0) + bytes(12))
d = s.recv(65536)
n, t = struct.unpack("=IH", d[:6])
print(t, socket.inet_ntoa(d[32:36]), d[40:46].hex(":"), struct.unpack("=H", d[24:26])[0])')
check_equal "the neighbours that ARP knows" "28 10.88.45.1 $(in_peer ip -o link show veth1 | sed -n 's,.*link/ether \([0-9a-f:]*\).*,\1,p') 2" "$neighbours"

# Netlink by hand: the calls in all their forms, sizes and order; events are the kernel's.
RAW='
import os, socket, struct, select, subprocess, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
s.bind((0, 0))
def ask(t, body, seq): return struct.pack("=IHHII", 16 + len(body), t, 0x301, seq, 0) + body
def types(d):
    out = []
    while d:
        n, t, f, seq, pid = struct.unpack("=IHHII", d[:16])
        out.append((t, seq, pid == s.getsockname()[0])); d = d[(n + 3) & ~3:]
    return out
s.send(ask(18, bytes(16), 5)); s.sendto(ask(22, bytes(8), 6), (0, 0)); os.write(s.fileno(), ask(26, bytes(12), 7))
s.sendmsg([ask(18, b"", 8)[:16].replace(b"\x10\0\0\0", b"\x20\0\0\0", 1), bytes(16)])
print(select.select([s], [], [], 5)[0] == [s])
n = len(s.recv(65536, socket.MSG_PEEK))
print(s.recv(1, socket.MSG_PEEK | socket.MSG_TRUNC) == b"" or s.recv_into(bytearray(1), 0, socket.MSG_PEEK | socket.MSG_TRUNC) == n)
print(sorted(set(types(s.recv(65536)))))
d, _, flags, addr = s.recvmsg(65536); print(sorted(set(types(d))), flags, addr)
print(sorted(set(types(os.read(s.fileno(), 65536)))))
d, _, flags, _ = s.recvmsg(20); print(len(d), flags == socket.MSG_TRUNC)
s.setblocking(False)
try: s.recv(10)
except BlockingIOError: print("empty")
t = os.dup(s.fileno())
os.write(t, ask(18, bytes(16), 9)); print(len(types(os.read(t, 65536)))); os.close(t)
# A question that is the kernel'"'"'s own: rules.
s.setblocking(True); s.send(ask(34, bytes(12), 10)); print({x[0] for x in types(s.recv(65536))} <= {32, 3})
m = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); m.bind((0, 1)); m.settimeout(10)
subprocess.run(["nsenter", "--net=" + sys.argv[1], "ip", "link", "add", "seen0", "type", "bridge"], env={"PATH": os.environ["PATH"]}, check=True)
print(types(m.recv(65536))[0][0])
'
check_equal "netlink by hand" "True
True
[(3, 5, True), (16, 5, True)]
[(3, 6, True), (20, 6, True)] 0 (0, 0)
[(3, 7, True), (24, 7, True)]
20 True
empty
3
True
16" "$(prog "$PYTHON" -c "$RAW" "/proc/$PROG_NS/ns/net")"
prog_bg monitor ip monitor link
monitor=$LAST
sleep 1
in_prog ip link add seen1 type bridge
check "ip monitor sees what the kernel says" await 10 grep -q seen1 "$WORK/monitor.log"
stop "$monitor"

if command -v node >/dev/null; then
    check_equal "node" "[\"10.88.45.2\",\"255.255.255.0\",\"$MAC\"]" "$(prog node -e '
const i = require("os").networkInterfaces().matnet0.find(a => a.family == "IPv4" || a.family == 4);
console.log(JSON.stringify([i.address, i.netmask, i.mac]))')"
else
    note "node is not here"
fi
if command -v java >/dev/null; then
    cat >"$WORK/Show.java" <<'JAVA'
import java.net.*;
public class Show {
    public static void main(String[] a) throws Exception {
        NetworkInterface n = NetworkInterface.getByName("matnet0");
        System.out.println(n.getMTU() + " " + n.isUp() + " " + n.getInterfaceAddresses().get(0).getAddress().getHostAddress() + "/"
            + n.getInterfaceAddresses().get(0).getNetworkPrefixLength());
    }
}
JAVA
    check_equal "java" "1400 true 10.88.45.2/24" "$(prog java -Djava.net.preferIPv4Stack=true "$WORK/Show.java")"
else
    note "java is not here"
fi
finish
