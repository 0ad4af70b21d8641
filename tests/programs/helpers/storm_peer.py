"""The other side of storm.c.

serve PORT: an echo server there, and on the next port one that reads slowly and prints whether the lines it gets are 0, 1, 2, ...
tcp|udp PORT N ADDR...: N requests from 4 threads to these addresses in turn, one at a time each; an answer that stays away is told.
"""
import socket
import sys
import threading
import time


def listen(port, room=None):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if room:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    s.bind(("", port))
    s.listen(50)
    return s


def echo(s):
    def one(c):
        try:
            while data := c.recv(65536):
                c.sendall(data)
        except OSError:
            pass
        c.close()

    while True:
        threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()


def lines(s):
    while True:
        c, data = s.accept()[0], b""
        while part := c.recv(20000):
            data += part
            time.sleep(0.0005)
        *all, last = data.decode().split("\n")
        wrong = [i for i, line in enumerate(all) if line != str(i) + 3000 * "."]
        print("lines", len(all), "wrong", wrong[:5], "last", last[:9], flush=True)


def ask(kind, port, addrs, i):
    if kind == "udp":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.sendto(i.to_bytes(4, "little"), (addrs[i % len(addrs)], port))
            assert int.from_bytes(s.recv(10), "little") == i
    else:
        with socket.create_connection((addrs[i % len(addrs)], port), 5) as s:
            s.sendall(b"k")
            assert s.recv(1) == b"k"


def requests(kind, port, n, addrs):
    numbers, failed, lock = iter(range(n)), [], threading.Lock()

    def run():
        while True:
            with lock:
                i = next(numbers, None)
            if i is None:
                return
            try:
                ask(kind, port, addrs, i)
            except (OSError, AssertionError) as e:
                failed.append((i, repr(e)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("unanswered", failed[:5])


if sys.argv[1] == "serve":
    port = int(sys.argv[2])
    threading.Thread(target=lines, args=(listen(port + 1, 30000),), daemon=True).start()
    echo(listen(port))
else:
    requests(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
