"""A TELNET server (RFC 854) for one client: offers ECHO, counts what the client negotiates, answers lines in capitals."""
import socket
import sys

IAC, DONT, DO, WONT, WILL, SB, SE = 255, 254, 253, 252, 251, 250, 240
with socket.create_server(("0.0.0.0", int(sys.argv[1]))) as listener:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(bytes([IAC, WILL, 1, IAC, WILL, 3, IAC, DO, 24]) + b"welcome\r\n")
        stream, line, negotiated = connection.makefile("rb"), bytearray(), 0
        while byte := stream.read(1):
            if byte[0] == IAC:
                command = stream.read(1)[0]
                if command in (DO, DONT, WILL, WONT):
                    stream.read(1)
                    negotiated += 1
                elif command == SB:
                    while stream.read(1)[0] != IAC or stream.read(1)[0] != SE:
                        pass
                continue
            if byte in b"\r\0":
                continue
            if byte != b"\n":
                line += byte
                continue
            text = line.decode()
            line.clear()
            if text == "lines":
                connection.sendall(b"".join(b"line %d\r\n" % i for i in range(20000)))
            elif text == "quit":
                connection.sendall(b"negotiated %d\r\n" % negotiated)
                break
            else:
                connection.sendall(text.upper().encode() + b"\r\n")
