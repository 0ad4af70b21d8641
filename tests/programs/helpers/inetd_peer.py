"""Talks to inetd.c: address, port. Prints what came."""
import socket
import sys
import time

for _ in range(100):
    try:
        s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
        break
    except OSError:
        time.sleep(0.1)
s.settimeout(20)
f = s.makefile("rb")
print(f.readline())
s.sendall(b"hello\n")
print(f.readline())
s.sendall(b"send 3000000\n")
got = f.readline()
print(len(got), got == bytes(97 + i % 26 for i in range(3000000)) + b"\n")
data = bytes((i * 7) % 251 for i in range(1000000))
s.sendall(b"take 1000000\n" + data)
total = 0
for b in data:
    total = (total * 31 + b) % 2**64
print(f.readline() == b"sum %d\n" % total)
s.sendall(b"complain weather\n")
print(f.readline())
s.sendall(b"child\n")
print(f.readline())
s.sendall(b"words\n")
print(f.readline())
s.sendall(b"after\n")
print(f.readline())
s.shutdown(socket.SHUT_WR)
print(f.read())
