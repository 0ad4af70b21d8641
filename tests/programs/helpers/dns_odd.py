"""A name server with bad manners: the first label of the name says which. Listens on ADDRESS, port 53, UDP and TCP.

Everything it knows has the address 10.88.45.99; `silent` anywhere in the arguments makes it answer nothing at all.
"""
import socket
import struct
import sys
import threading

ADDRESS = sys.argv[1]
SILENT = "silent" in sys.argv[2:]
IP = socket.inet_aton("10.88.45.99")


def question(message):
    at, labels = 12, []
    while message[at]:
        labels.append(message[at + 1 : at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    rtype = struct.unpack(">H", message[at + 1 : at + 3])[0]
    return labels, rtype, message[12 : at + 5]


def record(data, rtype, name=b"\xc0\x0c", rclass=1):
    return name + struct.pack(">HHIH", rtype, rclass, 60, len(data)) + data


def reply(message, flags, records, asked=None, ident=None):
    _, _, q = question(message)
    head = struct.pack(">HHHHHH", ident if ident is not None else struct.unpack(">H", message[:2])[0], flags, 1, len(records), 0, 0)
    return head + (asked or q) + b"".join(records)


def answers(message, tcp):
    labels, rtype, q = question(message)
    kind = labels[0].lower() if labels else ""
    address = [record(IP, 1)] if rtype == 1 else []
    good = reply(message, 0x8180, address)
    ident = struct.unpack(">H", message[:2])[0]
    if kind in ("servfail", "refused", "formerr", "notimp", "nxdomain"):
        code = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}[kind]
        return [reply(message, 0x8180 | code, [])]
    if kind == "nodata":
        return [reply(message, 0x8180, [])]
    if kind == "lame":
        return [reply(message, 0x8100, [])]
    if kind == "liar":  # somebody guesses: a wrong id, another question, then the truth
        return [
            reply(message, 0x8180, [record(b"\x01\x02\x03\x04", 1)], ident=ident ^ 1),
            reply(message, 0x8180, [record(b"\x01\x02\x03\x04", 1)], asked=b"\x04evil\x00\x00\x01\x00\x01"),
            good,
        ]
    if kind == "mirror":  # rubbish, the question itself, then the truth: glibc gives up here
        return [b"\x00", message[:5], message, good]
    if kind == "loop":  # a compression pointer to itself
        at = 12 + len(q)
        return [reply(message, 0x8180, [struct.pack(">H", 0xC000 | at) + record(IP, 1, name=b"")])]
    if kind == "dangling":
        return [reply(message, 0x8180, [record(b"\x07nowhere\x04test\x00", 5)])]
    if kind == "circle":
        return [reply(message, 0x8180, [record(b"\xc0\x0c", 5)])]
    if kind == "badname":  # a CNAME to what no host can be called
        return [reply(message, 0x8180, [record(b"\x05a b!c\x04test\x00", 5), record(IP, 1, name=b"\x05a b!c\x04test\x00")])]
    if kind == "chaos":
        return [reply(message, 0x8180, [record(IP, 1, rclass=3)] + address)]
    if kind == "halfv6":  # A is fine, AAAA fails
        return [good if rtype == 1 else reply(message, 0x8182, [])]
    if kind == "onlyv6":
        six = [record(socket.inet_pton(socket.AF_INET6, "2001:db8::99"), 28)] if rtype == 28 else []
        return [reply(message, 0x8180, six)]
    if kind == "both":
        six = [record(socket.inet_pton(socket.AF_INET6, "2001:db8::99"), 28)] if rtype == 28 else address
        return [reply(message, 0x8180, six)]
    if kind == "many":  # too much for a datagram
        records = [record(bytes([10, 99, i // 200, 1 + i % 200]), 1) for i in range(300)] if rtype == 1 else []
        whole = reply(message, 0x8180, records)
        return [whole if tcp or len(whole) <= 512 else reply(message, 0x8380, [])]
    if kind == "cut":  # TC always, TCP too
        return [reply(message, 0x8380, [])]
    return [good]


def by_tcp(listener):
    while True:
        conn, _ = listener.accept()
        with conn:
            while True:
                head = conn.recv(2, socket.MSG_WAITALL)
                if len(head) < 2:
                    break
                message = conn.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
                for answer in answers(message, True)[-1:]:
                    # In two pieces: a length says nothing about segments.
                    framed = struct.pack(">H", len(answer)) + answer
                    conn.sendall(framed[:1])
                    conn.sendall(framed[1:])


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((ADDRESS, 53))
if not SILENT:
    tcp = socket.create_server((ADDRESS, 53))
    threading.Thread(target=by_tcp, args=(tcp,), daemon=True).start()
while True:
    message, sender = udp.recvfrom(65535)
    if not SILENT:
        for answer in answers(message, False):
            udp.sendto(answer, sender)
