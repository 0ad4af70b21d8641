#!/usr/bin/env bash
# 127/8 and MATNET_BYPASS go to the kernel, in a program that uses the library's stack too.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need curl tshark "$PYTHON"

SIZE=5000000
make_data "$WORK/in.data" $SIZE
topology direct
http_peer
ln -f "$WORK/in.data" "$WORK/www/in.data"
capture loopback
mark
prog curl -sS -o "$WORK/local.data" http://127.0.0.1:8000/in.data -o "$WORK/out.data" http://$HOST_IP:8000/in.data
check_equal "curl to both ends with 0" 0 $?
same_file "over the kernel's loopback" "$WORK/in.data" "$WORK/local.data"
same_file "over the device" "$WORK/in.data" "$WORK/out.data"
check_moved to $SIZE
check_capture 0 $SIZE

# Another network reached by the kernel.
in_prog ip link add other type bridge
in_prog ip addr add 192.0.2.1/24 dev other
in_prog ip link set other up
OPTIONS=('MATNET_BYPASS=127.0.0.0/8,192.0.2.0/24:8000')
prog curl -sS -o "$WORK/bypass.data" http://192.0.2.1:8000/in.data
check_equal "MATNET_BYPASS with a port: curl ends with 0" 0 $?
same_file "MATNET_BYPASS" "$WORK/in.data" "$WORK/bypass.data"

# A wildcard listener answers on the device.
OPTIONS=()
mkdir -p "$WORK/served"
ln -f "$WORK/in.data" "$WORK/served/in.data"
prog_bg server "$PYTHON" -u -m http.server 8080 --directory "$WORK/served"
prog_ready 8080
peer curl -sS -o "$WORK/out1.data" http://$PROG_IP:8080/in.data
same_file "the wildcard listener on the device" "$WORK/in.data" "$WORK/out1.data"

# The program's own address loops inside the stack.
check "http.server ends when told" stop "$LAST"
check_match "own address" '^1000000 ' "$(prog "$PYTHON" - <<'PY'
import socket, threading
l = socket.socket()
l.bind(("10.88.45.2", 9000))
l.listen()
c = socket.create_connection(("10.88.45.2", 9000))
s, _ = l.accept()
def send():
    c.sendall(b"z" * 1000000)
    c.close()
threading.Thread(target=send).start()
total = 0
while data := s.recv(65536):
    total += len(data)
print(total, s.getpeername())
PY
)"
finish
