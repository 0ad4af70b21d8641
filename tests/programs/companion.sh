#!/usr/bin/env bash
# A server on the wildcard address answers its own host's network and the kernel's loopback at once; what a program that never
# uses the loopback pays for that; two programs of one namespace on the same port.
# alone: it counts system calls
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need curl strace redis-server redis-cli "$PYTHON"

SIZE=3000000
make_data "$WORK/in.data" $SIZE
topology direct
mkdir -p "$WORK/served"
ln -f "$WORK/in.data" "$WORK/served/in.data"

# http.server: accept in a thread for each connection, select with a time-out.
prog_bg server "$PYTHON" -u -m http.server 8080 --directory "$WORK/served"
prog_ready 8080
peer curl -sS -o "$WORK/net.data" http://$PROG_IP:8080/in.data
same_file "http.server over the device" "$WORK/in.data" "$WORK/net.data"
peer curl -sS -o "$WORK/lo.data" http://127.0.0.1:8080/in.data
same_file "http.server over the kernel's loopback" "$WORK/in.data" "$WORK/lo.data"

# A second program in the same namespace, with a device and an address of its own, on the same port.
OPTIONS=(MATNET_TAP=matnet1 MATNET_ADDR=10.88.46.2/24 MATNET_LOG=info MATNET_LOG_FILE="$WORK/second.txt")
prog_bg second "$PYTHON" -u -m http.server 8080 --directory "$WORK/served"
await 10 peer bash -c 'exec 3<>/dev/tcp/10.88.46.2/8080' || not_ok "the second program does not listen"
peer curl -sS -o "$WORK/second.data" http://10.88.46.2:8080/in.data
same_file "a second program on the same port of its own host" "$WORK/in.data" "$WORK/second.data"
check_match "it says that the loopback's port is taken" 'tcp port 8080 of the kernel.s 127\.0\.0\.1 is another.s' \
    "$(cat "$WORK/second.txt")"
OPTIONS=()
peer curl -sS -o "$WORK/lo2.data" http://127.0.0.1:8080/in.data
same_file "the loopback is still the first one's" "$WORK/in.data" "$WORK/lo2.data"
topology_end

# An epoll server: redis, whose own client comes over the loopback.
topology direct
prog_bg redis redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --dir "$WORK"
prog_ready 6379
check_equal "redis over the loopback: SET" OK "$(peer redis-cli -h 127.0.0.1 SET key value)"
check_equal "redis over the device: GET" value "$(peer redis-cli -h $PROG_IP GET key)"
check_equal "redis over the loopback again" value "$(peer redis-cli -h 127.0.0.1 GET key)"

topology_end

# UDP: one port in both worlds.
topology direct
cat >"$WORK/echo.py" <<'PY'
import selectors, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5300))
sel = selectors.DefaultSelector()
sel.register(s, selectors.EVENT_READ)
print("up", flush=True)
while True:
    sel.select()
    data, sender = s.recvfrom(2000)
    s.sendto(data.upper(), sender)
PY
prog_bg echo "$PYTHON" "$WORK/echo.py"
await 10 grep -qs up "$WORK/echo.log"
cat >"$WORK/ask.py" <<'PY'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
for i in range(200):
    for to in sys.argv[1:]:
        s.sendto(b"q%d" % i, (to, 5300))
        data, sender = s.recvfrom(100)
        assert (data, sender) == (b"Q%d" % i, (to, 5300)), (data, sender)
print("all answered")
PY
check_equal "UDP over both, in turn" "all answered" "$(peer "$PYTHON" "$WORK/ask.py" 127.0.0.1 $PROG_IP)"
# Asleep, it has no wake-ups, and it wakes at once.
switches() { cat /proc/"$LAST"/task/*/status | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'; }
sleep 0.5
before=$(switches)
sleep 2
check_equal "an idle server with companions has no wake-ups in 2 s" "$before" "$(switches)"
check_equal "UDP over both again" "all answered" "$(peer "$PYTHON" "$WORK/ask.py" $PROG_IP 127.0.0.1)"
topology_end

# What it costs where the loopback is silent: no system call more for a request, not even where a server reads until there is no more.
topology direct
cat >"$WORK/serve.py" <<'PY'
import select, socket, sys
l = socket.create_server((sys.argv[1], 7000))
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind((sys.argv[1], 7000))
u.setblocking(False)
print("up", flush=True)
c, _ = l.accept()
while data := c.recv(100):
    c.sendall(data)
poll = select.epoll()
poll.register(u, select.EPOLLIN)
while True:
    poll.poll()
    try:
        while True:
            data, sender = u.recvfrom(100)
            if data == b"end":
                sys.exit()
            u.sendto(data, sender)
    except BlockingIOError:
        poll.poll(0)
PY
calls() {
    local name=$1 bound=$2 pid
    prog_bg "$name" strace -f -c -o "$WORK/$name.counts" "$PYTHON" "$WORK/serve.py" "$bound"
    pid=$LAST
    await 10 grep -qs up "$WORK/$name.log"
    peer "$PYTHON" -c "
import socket
with socket.create_connection(('$PROG_IP', 7000)) as c:
    for i in range(2000):
        c.sendall(b'x')
        assert c.recv(10) == b'x'
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect(('$PROG_IP', 7000))
for i in range(2000):
    u.send(b'x')
    assert u.recv(10) == b'x'
u.send(b'end')
"
    await 10 dead "$pid" || not_ok "the server does not end"
    awk '$NF ~ /^(ppoll|poll|read|writev|readv|write|epoll_pwait|epoll_wait|recvfrom|recvmsg|accept4|sched_yield)$/ { n += $4 }
        END { print n + 0 }' "$WORK/$name.counts"
}
wild=$(calls wild 0.0.0.0)
own=$(calls own $PROG_IP)
note "system calls of 2000 round trips by TCP and 2000 by UDP: bound to the wildcard $wild, to the own address $own"
check "a companion that nobody calls costs no system calls" [ "$wild" -lt $((own + 1000)) ]
finish
