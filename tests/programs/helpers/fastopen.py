"""Fast Open, either side: fastopen.py server|client ADDRESS PORT COUNT WAY BYTES.

The client makes COUNT connections, each with WAY (sendto, connect, plain, nonblock) sends BYTES bytes and reads their sha256 back; it
prints what the kernel or the library says of the SYN's data. The server answers each with the sha256 of what came."""
import errno
import hashlib
import select
import socket
import sys
import time

TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, MSG_FASTOPEN = 23, 30, 0x20000000
TCPI_OPT_SYN_DATA = 32


def told(s):
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return "syn_data" if info[5] & TCPI_OPT_SYN_DATA else "no_syn_data", "fail %d" % (info[7] >> 1 & 3)


def server(at, count):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
    s.bind(at)
    s.listen(16)
    print("ready", flush=True)
    for _ in range(count):
        c, _ = s.accept()
        total = hashlib.sha256()
        length = 0
        # The first eight bytes say how many follow.
        head = c.recv(8, socket.MSG_WAITALL)
        want = int.from_bytes(head, "big")
        while length < want:
            data = c.recv(65536)
            if not data:
                break
            total.update(data)
            length += len(data)
        c.sendall(total.digest())
        print(told(c)[0], flush=True)
        c.close()


def client(at, count, way, size):
    data = bytes(i * 7 % 251 for i in range(size))
    message = len(data).to_bytes(8, "big") + data
    for _ in range(count):
        s = socket.socket()
        first = 0
        if way == "sendto":
            first = s.sendto(message, MSG_FASTOPEN, at)
        elif way == "connect":
            s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            s.connect(at)
        elif way == "nonblock":
            s.setblocking(False)
            try:
                first = s.sendto(message, MSG_FASTOPEN, at)
            except BlockingIOError as e:
                assert e.errno == errno.EINPROGRESS
            select.select([], [s], [], 10)
            s.setblocking(True)
        else:
            s.connect(at)
        s.sendall(message[first:])
        answer = s.recv(32, socket.MSG_WAITALL)
        right = answer == hashlib.sha256(data).digest()
        print("right" if right else "wrong", *told(s), flush=True)
        s.close()
        time.sleep(0.05)


role, address, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
if role == "server":
    server((address, port), count)
else:
    client((address, port), count, sys.argv[5], int(sys.argv[6]))
