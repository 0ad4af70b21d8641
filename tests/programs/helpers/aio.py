"""asyncio at both ends: streams in the clear and by TLS, loop.sendfile, datagrams, a hundred connections at once.
aio.py server CERT KEY FILE | aio.py client HOST CERT FILE"""
import asyncio
import hashlib
import ssl
import sys

PLAIN, TLS, FILE, DATAGRAM = 7100, 7101, 7102, 7103


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    writer.close()


class Mirror(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data[::-1], address)


async def server(cert, key, path):
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)

    async def send_file(_, writer):
        with open(path, "rb") as f:
            await loop.sendfile(writer.transport, f)
        writer.close()

    await loop.create_datagram_endpoint(Mirror, local_addr=("0.0.0.0", DATAGRAM))
    servers = [
        await asyncio.start_server(echo, "0.0.0.0", TLS, ssl=context),
        await asyncio.start_server(send_file, "0.0.0.0", FILE),
        await asyncio.start_server(echo, "0.0.0.0", PLAIN, backlog=200),
    ]
    await asyncio.gather(*(s.serve_forever() for s in servers))


async def through(host, port, data, context=None):
    reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="matnet.test" if context else None)

    async def send():
        writer.write(data)
        await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    sending = asyncio.create_task(send())
    back = await reader.readexactly(len(data))
    await sending
    writer.close()
    return hashlib.sha256(back).digest() == hashlib.sha256(data).digest()


class Asker(asyncio.DatagramProtocol):
    def __init__(self):
        self.got = asyncio.Queue()

    def datagram_received(self, data, address):
        self.got.put_nowait(data)


async def client(host, cert, path):
    loop = asyncio.get_running_loop()
    with open(path, "rb") as f:
        data = f.read()
    context = ssl.create_default_context(cafile=cert)
    print("plain", await through(host, PLAIN, data))
    print("tls", await through(host, TLS, data, context))
    many = await asyncio.gather(*(through(host, PLAIN, data[i * 1000:i * 1000 + 50000]) for i in range(100)))
    print("hundred", sum(many))
    reader, writer = await asyncio.open_connection(host, FILE)
    print("file", hashlib.sha256(await reader.read()).digest() == hashlib.sha256(data).digest())
    writer.close()
    transport, asker = await loop.create_datagram_endpoint(Asker, remote_addr=(host, DATAGRAM))
    right = 0
    for i in range(100):
        transport.sendto(b"question %d" % i)
        right += await asyncio.wait_for(asker.got.get(), 5) == (b"question %d" % i)[::-1]
    transport.close()
    print("datagrams", right)
    try:
        await asyncio.open_connection(host, 9)
    except ConnectionRefusedError:
        print("refused True")
    try:
        reader, writer = await asyncio.open_connection(host, PLAIN)
        await asyncio.wait_for(reader.read(1), 0.2)
    except asyncio.TimeoutError:
        print("timeout True")


asyncio.run(server(*sys.argv[2:]) if sys.argv[1] == "server" else client(*sys.argv[2:]))
