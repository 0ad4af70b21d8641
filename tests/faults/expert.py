#!/usr/bin/env python3
"""Compares what tshark's expert has to say about captures of the same transfers by the kernel and by the library.

expert.py DIRECTORY      the captures are NAME.kernel.put.pcap, NAME.library.get.pcap and so on (expert.sh makes them)

A class is a message without its numbers. One that the library's captures have and no capture between two kernels has is a failure.
Then the same by scenario, by put or get (side A sends or receives), and by whose frame it is about (A, or B, which is always a
kernel): a few frames can be missing in one run by chance, so what only such a group lacks is a failure when the library has many
of it (see MANY), and a note otherwise. Between two kernels both directions count, for each role has a kernel in both: what the receiver
at A may say when it gets, the one at B says when A puts. Rates of the classes that cost something are printed
side by side: spurious retransmissions, duplicate ACKs, zero windows. Exit status 1: failures.
"""
import collections
import glob
import os
import re
import subprocess
import sys

# Of the transfers (lib.sh): what tshark would make of random payload is not looked at.
PORT = 5201
SIDE_A = {"10.88.45.2", "10.88.45.3"}
# Share of the frames of one direction from which on a class that the same scenario lacks between two kernels is no chance.
MANY = 0.005
ALWAYS = 5
# Not behaviour: what depends on the ports that the kernel chose.
IGNORED = re.compile(r"port numbers reused|tcp session is started with the same ports|Conversation")


def classes(path):
    """Counter of (from A or B, class), and Counter of TCP frames from A and B."""
    run = subprocess.run(
        ["tshark", "-n", "-d", f"tcp.port=={PORT},data", "-r", path, "-Y", "tcp", "-o", "tcp.desegment_tcp_streams:FALSE", "-o", "tcp.check_checksum:FALSE", "-o", "ip.check_checksum:FALSE",
         "-T", "fields", "-E", "separator=/t", "-E", "aggregator=|", "-E", "occurrence=a", "-e", "ip.src", "-e", "tcp.stream", "-e", "tcp.flags.syn", "-e", "_ws.expert.message", "-e", "tcp.len"],
        capture_output=True, text=True, check=True)
    found, frames = collections.Counter(), collections.Counter()
    lines = [line.split("\t") for line in run.stdout.splitlines()]
    # A connection without its SYN is of the transfer before: its program has ended, and the stack in it, so the peer's last
    # retransmission meets a host that does not know it (README.md, limits).
    begun = {stream for _, stream, syn, *_ in lines if syn not in ("0", "False")}
    for source, stream, _, messages, *_ in lines:
        if stream not in begun:
            continue
        side = "A" if source in SIDE_A else "B"
        frames[side] += 1
        for message in filter(None, messages.split("|")):
            message = re.sub(r"[#:]?\s*\b\d+\b", "", message).replace("()", "").strip()
            if not IGNORED.search(message):
                found[side, message] += 1
    return found, frames


def roles(counts, name, op):
    """What two kernels did in the roles that A and B have in this direction: here, and mirrored in the other."""
    mirrored = collections.Counter()
    for key, count in counts.get((name, "kernel", "get" if op == "put" else "put"), {}).items():
        side = key if isinstance(key, str) else key[0]
        other = "B" if side == "A" else "A"
        # Who is the server stays where it is.
        if isinstance(key, str):
            mirrored[other] += count
        elif "server port" not in key[1] and "onnection" not in key[1]:
            mirrored[other, key[1]] += count
    return counts[name, "kernel", op] + mirrored


def main():
    directory = sys.argv[1]
    found, frames = {}, {}
    for path in sorted(glob.glob(os.path.join(directory, "*.*.*.pcap"))):
        name, who, op, _ = os.path.basename(path).rsplit(".", 3)
        found[name, who, op], frames[name, who, op] = classes(path)
    if not found:
        sys.exit(f"expert.py: no captures in {directory}")
    anywhere = {text for (_, who, _), c in found.items() if who == "kernel" for _, text in c}
    failures = 0
    for name, op in sorted({(n, o) for n, w, o in found if w == "library"}):
        if (name, "kernel", op) not in found:
            sys.exit(f"expert.py: {name}: no kernel's capture for {op}")
        ours, our_frames = found[name, "library", op], frames[name, "library", op]
        theirs, their_frames = roles(found, name, op), roles(frames, name, op)
        print(f"{name}, side A {'sends' if op == 'put' else 'receives'}: frames A/B {our_frames['A']}/{our_frames['B']}, "
              f"kernel {their_frames['A']}/{their_frames['B']}")
        if not our_frames["A"] or not their_frames["A"]:
            print("    FAILURE: nothing was captured")
            failures += 1
        for key in sorted(set(ours) | set(theirs)):
            side, text = key
            share = ours[key] / max(1, our_frames[side])
            verdict = ""
            if ours[key] and text not in anywhere:
                verdict = "  FAILURE: never between two kernels"
                failures += 1
            elif ours[key] > ALWAYS and not theirs[key]:
                if share > MANY:
                    verdict = "  FAILURE: not in this scenario between two kernels"
                    failures += 1
                else:
                    verdict = "  note: not in this scenario between two kernels"
            elif ours[key] > 20 and share > 4 * theirs[key] / max(1, their_frames[side]):
                verdict = "  note: more than four times as often"
            print(f"    {side} {text[:90]:<90} library {ours[key]:>6} ({100 * share:6.2f} %)  kernel {theirs[key]:>6} "
                  f"({100 * theirs[key] / max(1, their_frames[side]):6.2f} %){verdict}")
    print(f"{failures} failures")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
