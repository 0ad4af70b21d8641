#!/usr/bin/env python3
"""Moves bytes over TCP and checks each of them; one end is a kernel, the other perhaps under matnet.

transfer.py serve PORT [--cc NAME]                       any number of connections, one thread each
transfer.py put|get|both HOST PORT [--bytes N] [--seconds S] [--streams K] [--cc NAME] [--give-up S] [--trace FILE]

A sender sends blocks of a random pool, each with its number, then the SHA-256 of everything before, then its FIN; the
receiver verifies the sum. The client prints one line of JSON: whether all streams were right, bytes, seconds from the connection's
beginning to the receiver's end of file, Mbit/s of payload, and the sender's TCP_INFO (linux/tcp.h) as far as it is known. --seconds bounds the sending, and
with --bytes whatever comes first ends it. `both` is --bytes in each direction at once, over --streams connections each. --trace writes the sender's TCP_INFO every 100 ms. Exit status 0: all right.

The congestion control is set before connect and listen: a Linux socket that was BBR's for a moment stays paced (tcp_bbr.c
sets sk_pacing_status and nobody takes it back), and the default of this machine may be BBR.
"""
import argparse
import hashlib
import json
import os
import socket
import struct
import sys
import threading
import time

BLOCK = 65536
POOL = os.urandom(1 << 21)
# struct tcp_info: eight bytes, then 24 u32, then u64 and u32 in turn as noted there.
WORDS = ("rto ato snd_mss rcv_mss unacked sacked lost retrans fackets last_data_sent last_ack_sent last_data_recv "
         "last_ack_recv pmtu rcv_ssthresh rtt rttvar snd_ssthresh snd_cwnd advmss reordering rcv_rtt rcv_space total_retrans").split()
LONGS = "pacing_rate max_pacing_rate bytes_acked bytes_received".split()
TOLD = "rtt snd_cwnd snd_ssthresh reordering total_retrans snd_mss pmtu rcv_rtt".split()


def tcp_info(sock):
    """TCP_INFO as a dictionary, empty where there is none."""
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except OSError:
        return {}
    info = {"state": raw[0], "ca_state": raw[1], "retransmits": raw[2], "backoff": raw[4]}
    info.update(zip(WORDS, struct.unpack_from("<24I", raw, 8)))
    if len(raw) >= 136:
        info.update(zip(LONGS, struct.unpack_from("<4Q", raw, 104)))
    if len(raw) >= 168:
        info.update(zip(("delivery_rate", "busy_us", "rwnd_limited_us", "sndbuf_limited_us"),
                        struct.unpack_from("<4Q", raw, 160)) if len(raw) >= 192 else ())
    if len(raw) >= 224:
        info.update(zip(("delivered", "delivered_ce", "bytes_sent", "bytes_retrans", "dsack_dups", "reord_seen"),
                        struct.unpack_from("<2I2Q2I", raw, 192)))
    return info


def blocks(total, until):
    """Blocks of up to BLOCK bytes until `total` bytes (0: any number) or the moment `until`."""
    number = sent = 0
    while (not total or sent < total) and time.monotonic() < until:
        size = min(BLOCK, total - sent) if total else BLOCK
        at = number * 4099 % (len(POOL) - BLOCK)
        block = bytearray(POOL[at:at + size])
        head = number.to_bytes(8, "big")[:size]
        block[:len(head)] = head
        number += 1
        sent += size
        yield block


def send_all(sock, total, seconds, trace=None):
    """Sends, its sum and a FIN; returns the bytes of payload."""
    done = hashlib.sha256()
    sent = 0
    stop = threading.Event()

    def follow():
        with open(trace, "w", encoding="ascii") as out:
            begin = time.monotonic()
            while not stop.wait(0.1):
                out.write(json.dumps({"t": round(time.monotonic() - begin, 3), **tcp_info(sock)}) + "\n")

    if trace:
        threading.Thread(target=follow, daemon=True).start()
    for block in blocks(total, time.monotonic() + (seconds or 1e9)):
        sock.sendall(block)
        done.update(block)
        sent += len(block)
    sock.sendall(done.digest())
    sock.shutdown(socket.SHUT_WR)
    stop.set()
    return sent


def receive_all(sock, rest=b""):
    """Receives to the end of file; (whether the sum is right, bytes of payload)."""
    done = hashlib.sha256()
    got = 0
    while True:
        data = sock.recv(1 << 18)
        if not data:
            break
        rest += data
        if len(rest) > 32:
            done.update(rest[:-32])
            got += len(rest) - 32
            rest = rest[-32:]
    return rest == done.digest(), got


def read_line(sock):
    line = b""
    while b"\n" not in line:
        data = sock.recv(4096)
        if not data:
            raise EOFError("the connection ended before the reply")
        line += data
    line, _, rest = line.partition(b"\n")
    return json.loads(line), rest


def tell(sock, what):
    sock.sendall(json.dumps(what).encode() + b"\n")


def choose(sock, cc):
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, cc.encode())


def serve_one(sock):
    with sock:
        sock.settimeout(900)
        want, rest = read_line(sock)
        if want["op"] == "put":
            right, got = receive_all(sock, rest)
            tell(sock, {"ok": right, "bytes": got})
        else:
            send_all(sock, want["bytes"], want["seconds"], want.get("trace"))
            read_line(sock)  # the receiver is done: only now is the information whole
            tell(sock, tcp_info(sock))


def serve(port, cc):
    with socket.socket() as listener:
        choose(listener, cc)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("0.0.0.0", port))
        listener.listen(512)
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=serve_guarded, args=(sock,), daemon=True).start()


def serve_guarded(sock):
    try:
        serve_one(sock)
    except (OSError, EOFError, ValueError) as e:
        print(f"serve: {e}", file=sys.stderr, flush=True)


def run(args, op, results, index, share):
    begin = time.monotonic()
    result = {"op": op, "ok": False, "bytes": 0}
    try:
        with socket.socket() as sock:
            choose(sock, args.cc)
            sock.settimeout(120)
            sock.connect((args.host, args.port))
            sock.settimeout(args.give_up)
            # From here on for both: the library asks for the peer's address first, which takes a round trip.
            begin = time.monotonic()
            trace = f"{args.trace}.{index}" if args.trace else None
            want = {"op": op, "bytes": share, "seconds": args.seconds}
            if op == "put":
                tell(sock, want)
                sent = send_all(sock, share, args.seconds, trace)
                reply, _ = read_line(sock)
                result["ok"] = reply["ok"] and reply["bytes"] == sent
                result["bytes"] = reply["bytes"]
                result["seconds"] = time.monotonic() - begin
                result["info"] = tcp_info(sock)
                used = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).split(b"\0")[0].decode()
                if used != args.cc:
                    raise ValueError(f"congestion control is {used}")
            else:
                tell(sock, {**want, "trace": trace})
                result["ok"], result["bytes"] = receive_all_then(sock, result, begin)
    except (OSError, EOFError, ValueError) as e:
        result["ok"] = False
        result["error"] = f"{type(e).__name__}: {e}"
    result.setdefault("seconds", time.monotonic() - begin)
    results[index] = result


def receive_all_then(sock, result, begin):
    right, got = receive_all(sock)
    result["seconds"] = time.monotonic() - begin
    tell(sock, {})
    return right, got


def client(args):
    ways = ["put", "get"] if args.op == "both" else [args.op]
    results = [{"ok": False, "bytes": 0, "seconds": 0.0, "error": "it takes too long"}] * (args.streams * len(ways))
    share = args.bytes // args.streams
    threads = [threading.Thread(target=run, args=(args, ways[i % len(ways)], results, i, share), daemon=True)
               for i in range(len(results))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + args.give_up
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    total = sum(r["bytes"] for r in results)
    seconds = max(r["seconds"] for r in results) or 1e-9
    right = all(r["ok"] for r in results) and (not args.bytes or args.seconds or total == share * len(results))
    info = [r["info"] for r in results if r.get("info")]
    print(json.dumps({
        "ok": right, "bytes": total, "seconds": round(seconds, 3), "mbit": round(total * 8e-6 / seconds, 3),
        "each": [round(r["bytes"] * 8e-6 / (r["seconds"] or 1e-9), 3) for r in results] if args.streams > 1 else None,
        "errors": sorted({r["error"] for r in results if r.get("error")}),
        "info": {k: info[0].get(k) for k in TOLD} if info else None,
    }), flush=True)
    sys.stdout.flush()
    os._exit(0 if right else 1)  # threads may still wait


def main():
    parser = argparse.ArgumentParser()
    sub = parser.add_subparsers(dest="op", required=True)
    p = sub.add_parser("serve")
    p.add_argument("port", type=int)
    p.add_argument("--cc", default="cubic")
    for op in ("put", "get", "both"):
        p = sub.add_parser(op)
        p.add_argument("host")
        p.add_argument("port", type=int)
        p.add_argument("--bytes", type=int, default=0)
        p.add_argument("--seconds", type=float, default=0)
        p.add_argument("--streams", type=int, default=1)
        p.add_argument("--cc", default="cubic")
        p.add_argument("--give-up", type=float, default=300)
        p.add_argument("--trace")
    args = parser.parse_args()
    if args.op == "serve":
        serve(args.port, args.cc)
    elif not args.bytes and not args.seconds:
        parser.error("--bytes or --seconds")
    else:
        client(args)


if __name__ == "__main__":
    main()
