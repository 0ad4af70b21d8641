"""Takes TCP connections one after the other and says of each how it ended.

sink.py PORT COUNT [DELAY]: after DELAY seconds reads to the end; prints `BYTES SHA256 eof|reset`.
"""
import hashlib
import socket
import sys
import time

port, count = int(sys.argv[1]), int(sys.argv[2])
delay = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", port))
listener.listen(16)
for _ in range(count):
    connection, _peer = listener.accept()
    time.sleep(delay)
    digest, total, end = hashlib.sha256(), 0, "eof"
    try:
        while data := connection.recv(1 << 18):
            digest.update(data)
            total += len(data)
    except ConnectionResetError:
        end = "reset"
    print(total, digest.hexdigest(), end, flush=True)
    connection.close()
