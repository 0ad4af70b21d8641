"""An echo server and a client that checks what comes back, in four styles of using sockets.

stream.py server STYLE PORT CONNECTIONS      echoes, ends after that many connections
stream.py client STYLE HOST PORT BYTES       sends random bytes, reads them back at the same time, compares checksums
STYLE: blocking, timeout (poll under Python's hood), selectors (epoll), asyncio
"""
import asyncio
import hashlib
import random
import selectors
import socket
import sys
import threading

CHUNK = 1 << 16


def listen(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    listener.listen(64)
    return listener


def echo(connection):
    with connection:
        while data := connection.recv(CHUNK):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


def server_blocking(port, count, timeout=None):
    listener, threads = listen(port), []
    for _ in range(count):
        connection, _peer = listener.accept()
        connection.settimeout(timeout)
        threads.append(threading.Thread(target=echo, args=(connection,)))
        threads[-1].start()
    for thread in threads:
        thread.join()


def server_selectors(port, count):
    selector, listener = selectors.DefaultSelector(), listen(port)
    listener.setblocking(False)
    selector.register(listener, selectors.EVENT_READ, None)
    accepted = finished = 0
    while finished < count:
        for key, _events in selector.select(30):
            if key.data is None:
                connection, _peer = listener.accept()
                connection.setblocking(False)
                selector.register(connection, selectors.EVENT_READ, [bytearray(), False])
                accepted += 1
                continue
            connection, (pending, _eof) = key.fileobj, key.data
            if not key.data[1] and len(pending) < 4 * CHUNK:
                try:
                    data = connection.recv(CHUNK)
                    pending += data
                    key.data[1] = not data
                except BlockingIOError:
                    pass
            if pending:
                try:
                    del pending[: connection.send(pending)]
                except BlockingIOError:
                    pass
            if key.data[1] and not pending:
                selector.unregister(connection)
                connection.close()
                finished += 1
            else:
                wanted = selectors.EVENT_WRITE if pending else 0
                if not key.data[1] and len(pending) < 4 * CHUNK:
                    wanted |= selectors.EVENT_READ
                selector.modify(connection, wanted, key.data)


async def server_asyncio(port, count):
    done, left = asyncio.Event(), [count]

    async def serve(reader, writer):
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        left[0] -= 1
        if left[0] == 0:
            done.set()

    server = await asyncio.start_server(serve, "0.0.0.0", port)
    async with server:
        await done.wait()


def client_blocking(host, port, data, timeout=None):
    connection = socket.create_connection((host, port), timeout=timeout)

    def send():
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=send)
    thread.start()
    digest, total = hashlib.sha256(), 0
    while got := connection.recv(CHUNK):
        digest.update(got)
        total += len(got)
    thread.join()
    connection.close()
    return total, digest


def client_selectors(host, port, data):
    connection = socket.socket()
    connection.setblocking(False)
    error = connection.connect_ex((host, port))
    if error not in (0, 115):
        raise OSError(error, "connect")
    selector = selectors.DefaultSelector()
    selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE)
    digest, total, sent = hashlib.sha256(), 0, 0
    view = memoryview(data)
    while True:
        events = selector.select(30)
        if not events:
            raise TimeoutError(f"nothing happened for 30 s: sent {sent}, received {total}")
        _key, event = events[0]
        if event & selectors.EVENT_WRITE and sent < len(view):
            try:
                sent += connection.send(view[sent : sent + CHUNK])
            except BlockingIOError:
                pass
            if sent == len(view):
                connection.shutdown(socket.SHUT_WR)
                selector.modify(connection, selectors.EVENT_READ)
        if event & selectors.EVENT_READ:
            try:
                got = connection.recv(CHUNK)
            except BlockingIOError:
                continue
            if not got:
                break
            digest.update(got)
            total += len(got)
    connection.close()
    return total, digest


async def client_asyncio(host, port, data):
    reader, writer = await asyncio.open_connection(host, port)

    async def send():
        for i in range(0, len(data), CHUNK):
            writer.write(data[i : i + CHUNK])
            await writer.drain()
        writer.write_eof()

    task = asyncio.create_task(send())
    digest, total = hashlib.sha256(), 0
    while got := await reader.read(CHUNK):
        digest.update(got)
        total += len(got)
    await task
    writer.close()
    return total, digest


def main():
    role, style = sys.argv[1], sys.argv[2]
    if role == "server":
        port, count = int(sys.argv[3]), int(sys.argv[4])
        if style == "asyncio":
            asyncio.run(server_asyncio(port, count))
        elif style == "selectors":
            server_selectors(port, count)
        else:
            server_blocking(port, count, 30 if style == "timeout" else None)
        return
    host, port, size = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    data = random.randbytes(size)
    if style == "asyncio":
        total, digest = asyncio.run(client_asyncio(host, port, data))
    elif style == "selectors":
        total, digest = client_selectors(host, port, data)
    else:
        total, digest = client_blocking(host, port, data, 30 if style == "timeout" else None)
    if total != size or digest.digest() != hashlib.sha256(data).digest():
        sys.exit(f"sent {size} bytes, {total} came back, checksum {'right' if total != size else 'wrong'}")
    print(size, digest.hexdigest())


main()
