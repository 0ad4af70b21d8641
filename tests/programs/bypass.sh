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

# A rule for one protocol, with a socket that has already spoken to the stack's network: it keeps its port in both.
cat >"$WORK/answer.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 5353))
print("up", flush=True)
while True:
    data, sender = s.recvfrom(100)
    s.sendto(b"%s:%d" % (data, sender[1]), sender)
PY
peer_bg answer "$PYTHON" -u "$WORK/answer.py" 0.0.0.0
await 10 grep -qs up "$WORK/answer.log"
OPTIONS=('MATNET_BYPASS=192.0.2.0/24:5353/udp')
check_equal "a datagram socket keeps its port in both worlds" "same port" "$(prog "$PYTHON" - <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
ports = set()
for to in ("10.88.45.1", "192.0.2.1", "10.88.45.1", "127.0.0.1", "192.0.2.1"):
    s.sendto(to.encode(), (to, 5353))
    data, sender = s.recvfrom(100)
    name, port = data.decode().split(":")
    assert (name, sender) == (to, (to, 5353)), (data, sender)
    ports.add(port)
ports.add(str(s.getsockname()[1]))
print("same port" if len(ports) == 1 else ports)
PY
)"
check_equal "the rule is for UDP alone: TCP leaves by the stack" $PROG_IP "$(prog "$PYTHON" - <<'PY'
import socket
print(socket.create_connection(("192.0.2.1", 8000), 5).getsockname()[0])
PY
)"
check_match "a connected one moves with its port" '^moved 10' "$(prog "$PYTHON" - <<'PY'
import socket
moved = 0
for i in range(10):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(5)
    s.bind(("", 0))
    port = s.getsockname()[1]
    s.connect(("192.0.2.1", 5353))
    s.send(b"x")
    moved += s.recv(100) == b"x:%d" % port and s.getsockname() == ("192.0.2.1", port)
print("moved", moved)
PY
)"

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
