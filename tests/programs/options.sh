#!/usr/bin/env bash
# Every variable does what its line in the table says.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need curl tshark "$PYTHON"

topology direct
http_peer
echo "a page" >"$WORK/www/page"
page() { prog curl -sS --max-time 10 "http://${1:-$HOST_IP}:8000/page"; }

# fields FILTER FIELD...: of the capture, one line a frame
fields() {
    local filter=$1 arguments=()
    shift
    for field in "$@"; do arguments+=(-e "$field"); done
    tshark -r "$CAPTURE" -n -Y "$filter" -T fields "${arguments[@]}" 2>/dev/null
}

capture default
default=("${OPTIONS[@]}")
check_equal "nothing set" "a page" "$(page)"
check_equal "the program's address" $PROG_IP "$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' ip.src)"
mac=$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' eth.src)
check_match "its MAC is locally administered and unicast" '^.[26ae]:' "$mac"
check_equal "the address is announced" "$PROG_IP" "$(fields 'arp.opcode && arp.src.proto_ipv4 == arp.dst.proto_ipv4' arp.src.proto_ipv4 | head -1)"
page >/dev/null
check_equal "the MAC is the same the next time" "$mac" "$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' eth.src)"
check_equal "the device is gone with the program" 1 "$(in_prog ip link show matnet0 >/dev/null 2>&1; echo $?)"
options=$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' tcp.options.mss_val tcp.options.wscale.shift tcp.options.timestamp.tsval)
check_match "the SYN offers MSS 1460, window scaling, timestamps" '^1460	([7-9]|1[0-4])	[0-9]+$' "$options"

OPTIONS=("${default[@]}" MATNET_TAP=mntap7 MATNET_ADDR=10.99.7.20/28)
check_equal "MATNET_TAP and MATNET_ADDR" "a page" "$(page 10.99.7.17)"
check_equal "MATNET_ADDR is used" 10.99.7.20 "$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' ip.src)"
prog_bg other "$PYTHON" -c 'import socket, time; s = socket.socket(); s.connect_ex(("10.99.7.17", 9)); time.sleep(30)'
check "MATNET_TAP names the device" await 10 in_prog ip link show mntap7 >/dev/null
check_match "the host side has the gateway's address" 'inet 10.99.7.17/28' "$(in_prog ip -4 addr show dev mntap7 2>&1)"
stop "$LAST"

OPTIONS=("${default[@]}" MATNET_GATEWAY=10.88.45.254)
check_equal "MATNET_GATEWAY is the host side's address" "a page" "$(page 10.88.45.254)"
OPTIONS=("${default[@]}" MATNET_GATEWAY=none)
prog curl -sS --max-time 5 http://192.0.2.1:8000/ >/dev/null
check_equal "MATNET_GATEWAY=none: no route, at once (curl's 7)" 7 $?

OPTIONS=("${default[@]}" MATNET_MAC=02:aa:bb:cc:dd:ee)
check_equal "MATNET_MAC" "a page" "$(page)"
check_equal "MATNET_MAC is used" 02:aa:bb:cc:dd:ee "$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' eth.src)"

OPTIONS=("${default[@]}" MATNET_MTU=900)
make_data "$WORK/www/in.data" 3000000
prog curl -sS -o "$WORK/out.data" http://$HOST_IP:8000/in.data
same_file "MATNET_MTU=900: download" "$WORK/www/in.data" "$WORK/out.data"
check_equal "MATNET_MTU=900: upload" "$(sum_of "$WORK/www/in.data")" "$(prog curl -sS -T "$WORK/www/in.data" http://$HOST_IP:8000/up.data)"
check_equal "the SYN's MSS" 860 "$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' tcp.options.mss_val)"

OPTIONS=(MATNET_LOOPBACK=stack)
check_match "MATNET_LOOPBACK=stack: 127/8 inside the stack" '^hello$' "$(prog "$PYTHON" - <<'PY'
import socket
l = socket.socket()
l.bind(("127.0.0.1", 9000))
l.listen()
c = socket.create_connection(("127.0.0.1", 9000))
s, _ = l.accept()
c.sendall(b"hello")
print(s.recv(10).decode())
PY
)"
prog curl -sS --max-time 5 -o /dev/null http://127.0.0.1:8000/page
check_equal "MATNET_LOOPBACK=stack: the kernel's server is not there (curl's 7)" 7 $?

OPTIONS=(MATNET_HOOK=off)
prog curl -sS --max-time 5 -o /dev/null http://127.0.0.1:8000/page
check_equal "MATNET_HOOK=off: the kernel's sockets" 0 $?
check_match "MATNET_HOOK=off: no device" 'does not exist|cannot find' "$(prog ip link show matnet0 2>&1; cat "$WORK/prog.err")"
OPTIONS=(MATNET_HOOK=on)
check_equal "MATNET_HOOK=on" "a page" "$(page)"

for algorithm in reno cubic; do
    OPTIONS=("MATNET_CC=$algorithm")
    check_equal "MATNET_CC=$algorithm is what TCP_CONGESTION says" "$algorithm" "$(prog "$PYTHON" -c '
import socket
s = socket.create_connection(("10.88.45.1", 8000))
print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode())')"
done

OPTIONS=("MATNET_PCAP=$WORK/capture-%p.pcapng")
prog_bg pid curl -sS http://$HOST_IP:8000/page
pid=$LAST
await 10 dead "$pid"
check "MATNET_PCAP: %p is the pid" test -s "$WORK/capture-$pid.pcapng"

for spin in 0 50; do
    OPTIONS=("MATNET_SPIN=$spin")
    check_equal "MATNET_SPIN=$spin" "a page" "$(page)"
done

OPTIONS=()
check_match "MATNET_IO_URING=deny" '^38$' "$(prog "$PYTHON" -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(425, 8, ctypes.create_string_buffer(256))
print(ctypes.get_errno())')"

# Whatever the kernel says to bad arguments, it says it under the library.
ring='import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(425, 8, None)
print(ctypes.get_errno())'
OPTIONS=(MATNET_IO_URING=allow)
check_equal "MATNET_IO_URING=allow" "$(in_prog "$PYTHON" -c "$ring")" "$(prog "$PYTHON" -c "$ring")"

OPTIONS=(MATNET_LOG=info "MATNET_LOG_FILE=$WORK/library.txt")
check_equal "MATNET_LOG_FILE" "a page" "$(page)"
check_match "MATNET_LOG=info tells address, MAC and device" "$PROG_IP.*(..:){5}...*matnet0" "$(cat "$WORK/library.txt")"

printf '# a comment\naddr = 10.88.45.40/24\nmac = 02:00:00:00:00:40\n' >"$WORK/matnet.conf"
OPTIONS=("${default[@]}" "MATNET_CONFIG=$WORK/matnet.conf" MATNET_MAC=02:00:00:00:00:41)
check_equal "MATNET_CONFIG" "a page" "$(page)"
check_equal "the file's address, the environment's MAC" "10.88.45.40	02:00:00:00:00:41" "$(fields 'tcp.flags.syn == 1 && tcp.flags.ack == 0' ip.src eth.src)"
finish
