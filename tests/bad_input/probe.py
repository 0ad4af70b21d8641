"""What becomes of a program whose stack cannot start. probe.py HOST PORT

Prints the first call that failed and its errno, of a TCP and of a UDP socket, then that the program is still in control.
"""
import errno
import os
import socket
import sys
import time

HOST, PORT = sys.argv[1], int(sys.argv[2])


def attempt(kind):
    call = "socket"
    try:
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(10)
        call = "connect"
        s.connect((HOST, PORT))
        call = "send"
        s.send(b"hello")
        return "works"
    except OSError as e:
        return f"{call} {errno.errorcode.get(e.errno, e.errno) if e.errno else e}"


begin = time.monotonic()
print("tcp", attempt(socket.SOCK_STREAM))
print("udp", attempt(socket.SOCK_DGRAM))
print("tcp again", attempt(socket.SOCK_STREAM))
# The rest of the program is not touched: files, pipes, local sockets, children.
a, b = socket.socketpair()
a.send(b"x")
read, write = os.pipe()
os.write(write, b"y")
alive = b.recv(1) + os.read(read, 1) == b"xy" and os.system("exit 0") == 0
print("in control" if alive else "harmed", "quick" if time.monotonic() - begin < 5 else "slow")
