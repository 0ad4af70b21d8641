"""An HTTP server that takes uploads and throws them away: discard.py PORT."""

import socket
import sys

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("0.0.0.0", int(sys.argv[1])))
listener.listen()
buffer = bytearray(1 << 18)
while True:
    connection, _ = listener.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(4096)
    headers, body = head.split(b"\r\n\r\n", 1)
    if b"100-continue" in headers:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = [h for h in headers.lower().split(b"\r\n") if h.startswith(b"content-length")][0]
    left = int(length.split(b":")[1]) - len(body)
    while left:
        left -= connection.recv_into(buffer, min(left, len(buffer)))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.close()
