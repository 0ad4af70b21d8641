"""Load for memcached: threads that set, get, append, count and compare; then the same over UDP."""
import hashlib
import os
import socket
import struct
import sys
import threading

HOST, PORT = sys.argv[1], int(sys.argv[2])
errors = []


class Client:
    def __init__(self):
        self.socket = socket.create_connection((HOST, PORT), timeout=20)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def ask(self, line, data=None):
        self.socket.sendall(line + b"\r\n" + (data + b"\r\n" if data is not None else b""))
        return self.file.readline().rstrip()

    def get(self, key):
        head = self.ask(b"get " + key)
        if head == b"END":
            return None
        data = self.file.read(int(head.split()[3]) + 2)[:-2]
        assert self.file.readline() == b"END\r\n"
        return data


def worker(number):
    try:
        client = Client()
        for i in range(300):
            key = b"key-%d-%d" % (number, i)
            value = os.urandom(1 + (i * 7919) % 20000)
            assert client.ask(b"set %s 0 0 %d" % (key, len(value)), value) == b"STORED"
            assert client.get(key) == value
        big = os.urandom(1000000)
        assert client.ask(b"set big-%d 0 0 %d" % (number, len(big)), big) == b"STORED"
        assert hashlib.sha256(client.get(b"big-%d" % number)).digest() == hashlib.sha256(big).digest()
        for _ in range(100):
            client.ask(b"incr counter 1")
        # A hundred requests in one segment, a hundred answers.
        client.socket.sendall(b"get key-%d-1\r\n" % number * 100)
        ends = 0
        while ends < 100:
            ends += client.file.readline() == b"END\r\n"
    except Exception as error:
        errors.append(f"worker {number}: {error!r}")


first = Client()
assert first.ask(b"set counter 0 0 1", b"0") == b"STORED"
threads = [threading.Thread(target=worker, args=(n,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("counter", first.get(b"counter").decode())

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
    udp.settimeout(5)
    udp.connect((HOST, PORT))
    for i in range(200):
        udp.send(struct.pack(">HHHH", i, 0, 1, 0) + b"get key-3-%d\r\n" % (i % 50))
        value = first.get(b"key-3-%d" % (i % 50))
        parts, total = {}, 1
        while len(parts) < total:
            answer = udp.recv(2000)
            request, sequence, total, _ = struct.unpack(">HHHH", answer[:8])
            if request == i:
                parts[sequence] = answer[8:]
        text = b"".join(parts[n] for n in range(total))
        if value not in text:
            errors.append(f"udp {i}: {text[:40]!r}")
print("errors", len(errors), *errors[:3])
