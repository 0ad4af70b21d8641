#!/usr/bin/env bash
# MATNET_LOOPBACK=stack: 127/8 inside the program. Nothing of it reaches the kernel or the device, and the cost grows with the
# bytes, packets and connections, not with their square.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need "$PYTHON" ss

topology direct
OPTIONS=(MATNET_LOOPBACK=stack)
cat >"$WORK/pairs.py" <<'PY'
import hashlib, os, resource, socket, sys, threading

def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime

def measured(work, *args):
    before = cpu()
    work(*args)
    return cpu() - before

def bulk(megabytes):
    """One stream, both ends in this process; the bytes are compared."""
    l = socket.create_server(("127.0.0.5", 0))
    c = socket.create_connection(l.getsockname())
    s, _ = l.accept()
    block = os.urandom(1 << 20)
    def send():
        for _ in range(megabytes):
            c.sendall(block)
        c.close()
    t = threading.Thread(target=send)
    t.start()
    got, sums, want = 0, hashlib.blake2b(), hashlib.blake2b()
    buffer = bytearray(1 << 18)
    while n := s.recv_into(buffer):
        sums.update(memoryview(buffer)[:n])
        got += n
    t.join()
    for _ in range(megabytes):
        want.update(block)
    assert got == megabytes << 20 and sums.digest() == want.digest(), got

def small(count):
    """Small writes that pile up unread, then are read."""
    l = socket.create_server(("127.0.0.1", 0))
    c = socket.create_connection(l.getsockname())
    s, _ = l.accept()
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(count):
        c.send(b"x")
    c.close()
    got = 0
    while data := s.recv(65536):
        got += len(data)
    assert got == count, got

def pairs(count):
    """Many connections, all open at once."""
    l = socket.create_server(("127.0.0.1", 0), backlog=count)
    all = []
    for i in range(count):
        c = socket.create_connection(l.getsockname())
        s, _ = l.accept()
        c.sendall(b"%d" % i)
        all.append((c, s, b"%d" % i))
    for c, s, text in all:
        assert s.recv(100) == text
    for c, s, _ in all:
        c.close()
        assert s.recv(1) == b""
        s.close()

def datagrams(count):
    a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    b.bind(("127.0.0.1", 0))
    b.settimeout(5)
    for i in range(count):
        a.sendto(b"%d" % i, b.getsockname())
        assert b.recv(100) == b"%d" % i

which = {"bulk": (bulk, 64), "small": (small, 20000), "pairs": (pairs, 100), "datagrams": (datagrams, 5000)}
work, n = which[sys.argv[1]]
work(n // 4)  # warms up
one = min(measured(work, n) for _ in range(3))
four = min(measured(work, 4 * n) for _ in range(3))
print(f"{four / one:.1f}")
PY
for what in bulk small pairs datagrams; do
    factor=$(prog "$PYTHON" "$WORK/pairs.py" $what)
    check "$what: four times as much costs ${factor:-?} times the processor time, with every byte as sent" \
        awk -v f="${factor:-0}" 'BEGIN { exit !(f > 1 && f < 8) }'
done

# Both ends are the program's own: the kernel has no such socket, and no frame left.
cat >"$WORK/hidden.py" <<'PY'
import socket, sys
l = socket.create_server(("127.0.0.1", 7777))
c = socket.create_connection(("127.0.0.1", 7777))
s, _ = l.accept()
w = socket.create_server(("", 7778))
d = socket.create_connection(("127.9.8.7", 7778))
w.accept()[0].sendall(b"wildcard")
print(d.recv(10).decode(), flush=True)
sys.stdin.read()
PY
mkfifo "$WORK/stdin"
preload
nsenter --net="/proc/$PROG_NS/ns/net" -- env "${PRELOAD[@]}" "$PYTHON" "$WORK/hidden.py" <"$WORK/stdin" >"$WORK/hidden.txt" 2>"$WORK/hidden.log" &
PIDS+=($!)
hidden=$!
exec 3>"$WORK/stdin"
check "a wildcard listener answers on all of 127/8" await 10 grep -qs wildcard "$WORK/hidden.txt"
check_equal "the kernel knows of none of these sockets" '' "$(in_prog ss -Hant | grep -E ':777[78]')"
exec 3>&-
await 10 dead $hidden
finish
