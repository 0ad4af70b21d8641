"""Peers on the kernel's side for tests/capi/run.sh. Every mode checks the bytes and ends with status 0 when all was right."""

import hashlib
import socket
import sys
import threading

PATIENCE = 60


def fail(text):
    sys.exit("peer.py: " + text)


def expect(peer, addr):
    # Only the stack has this address, so the connection cannot have come from the kernel's own TCP.
    if peer[0] != addr:
        fail(f"connection from {peer[0]}, expected {addr}")


def listen(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(PATIENCE)
    s.bind(("", port))
    s.listen(16)
    print("listening", flush=True)
    return s


def tcp_echo(port, addr, count):
    """Echoes on `count` connections and prints the SHA-256 of what came on each."""
    s = listen(int(port))
    for _ in range(int(count)):
        c, peer = s.accept()
        expect(peer, addr)
        c.settimeout(PATIENCE)
        digest = hashlib.sha256()
        while data := c.recv(1 << 16):
            digest.update(data)
            c.sendall(data)
        c.close()
        print(digest.hexdigest(), flush=True)


def tcp_sink(port, addr):
    """Takes one connection slowly and prints the SHA-256 of everything up to the FIN."""
    s = listen(int(port))
    c, peer = s.accept()
    expect(peer, addr)
    c.settimeout(PATIENCE)
    digest = hashlib.sha256()
    pause = threading.Event()
    while data := c.recv(1 << 16):
        digest.update(data)
        pause.wait(0.002)
    print(digest.hexdigest(), flush=True)


def tcp_send(addr, port, file, count):
    """Sends a file, rotated differently on each of `count` connections at once, and compares what comes back."""
    with open(file, "rb") as f:
        whole = f.read()
    errors = []

    def one(i):
        try:
            at = i * 4099 % len(whole)
            data = whole[at:] + whole[:at]
            with socket.create_connection((addr, int(port)), PATIENCE) as c:

                def push():
                    c.sendall(data)
                    c.shutdown(socket.SHUT_WR)

                t = threading.Thread(target=push)
                t.start()
                back = hashlib.sha256()
                while got := c.recv(1 << 16):
                    back.update(got)
                t.join()
            if back.digest() != hashlib.sha256(data).digest():
                errors.append(f"connection {i}: other bytes came back")
        except OSError as e:
            errors.append(f"connection {i}: {e}")

    threads = [threading.Thread(target=one, args=(i,)) for i in range(int(count))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        fail("; ".join(errors))


def udp_echo(port, addr, count):
    s = socket.socket(type=socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.bind(("", int(port)))
    print("listening", flush=True)
    for _ in range(int(count)):
        data, peer = s.recvfrom(1 << 16)
        expect(peer, addr)
        s.sendto(data, peer)


def udp_send(addr, port, file, count):
    with open(file, "rb") as f:
        whole = f.read(65507)
    s = socket.socket(type=socket.SOCK_DGRAM)
    s.settimeout(PATIENCE)
    s.connect((addr, int(port)))
    for i in range(int(count)):
        data = whole[: i * 65507 // max(int(count) - 1, 1)]
        s.send(data)
        if s.recv(1 << 16) != data:
            fail(f"datagram {i}: other bytes came back")


MODES = {f.__name__: f for f in (tcp_echo, tcp_sink, tcp_send, udp_echo, udp_send)}
try:
    MODES[sys.argv[1]](*sys.argv[2:])
except OSError as e:
    fail(f"{sys.argv[1]}: {e}")
