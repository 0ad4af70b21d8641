#!/usr/bin/env bash
# MATNET_FAULT under UDP, both ways: the same losses for the same seed, order, copies, corruption that never arrives, a rate that takes
# its time, a queue that drops; what is under way at exit arrives; fork sends nothing twice.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need "$PYTHON"

# A receiver prints the numbers it gets, one a line, until nothing came for a while; a sender sends numbered datagrams.
cat >"$WORK/udp.py" <<'PY'
import os, socket, sys, time
role, addr, port, count, size, *how = sys.argv[1:]
port, count, size = int(port), int(count), int(size)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4000000)
body = bytes(i % 251 for i in range(size))
def send():
    for n in range(count):
        s.sendto(b"%08d%020d" % (n, time.monotonic_ns()) + body, (addr, port))
        if "paced" in how:
            time.sleep(0.001)
if role == "receive":
    s.bind((addr, port))
    print("ready", flush=True)
    s.settimeout(float(how[0]))
    first = None
    try:
        while True:
            data, _ = s.recvfrom(70000)
            last = time.monotonic_ns()
            first = first or int(data[8:28])
            print(int(data[:8]) if data[28:] == body else "BAD", flush=True)
    except TimeoutError:
        if first:
            print("span", (last - first) // 1000000, file=sys.stderr)
elif role == "send":
    send()
    if "exit" in how:
        os._exit(0)
    if "busy" in how:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            pass
    if "fork" in how:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                os._exit(0)
            os.waitpid(child, 0)
        print("forked", flush=True)
PY

is_ready() { grep -qs ready "$WORK/$1.log"; }

# from_program FAULTS COUNT SIZE [HOW]: what the peer gets of a program's datagrams, in GOT; PIECES counts, SPAN is the time from
# the sending of the first to the arrival of the last in ms.
from_program() {
    local faults=$1 count=$2 size=$3
    shift 3
    rm -f "$WORK/sink.log"
    peer_bg sink "$PYTHON" "$WORK/udp.py" receive 0.0.0.0 7000 0 "$size" 1.5
    local sink=$LAST
    await 10 is_ready sink || not_ok "the sink does not start"
    OPTIONS=("MATNET_FAULT=$faults" "${MORE[@]}")
    prog "$PYTHON" "$WORK/udp.py" send $HOST_IP 7000 "$count" "$size" "$@" >/dev/null
    wait "$sink" # it ends by itself
    SPAN=$(sed -n 's/^span //p' "$WORK/sink.log")
    GOT=$(grep -Ev 'ready|span' "$WORK/sink.log" | tr '\n' ' ')
    PIECES=$(wc -w <<<"$GOT")
}

# to_program FAULTS COUNT SIZE [HOW]: the other way.
to_program() {
    OPTIONS=("MATNET_FAULT=$1" "${MORE[@]}")
    rm -f "$WORK/sink.log"
    prog_bg sink "$PYTHON" "$WORK/udp.py" receive 0.0.0.0 7000 0 "$3" 3
    local sink=$LAST
    await 10 is_ready sink || not_ok "the sink does not start"
    peer "$PYTHON" "$WORK/udp.py" send "$PROG_IP" 7000 "$2" "$3" paced
    wait "$sink"
    SPAN=$(sed -n 's/^span //p' "$WORK/sink.log")
    GOT=$(grep -Ev 'ready|span' "$WORK/sink.log" | tr '\n' ' ')
    PIECES=$(wc -w <<<"$GOT")
}

sorted() { tr ' ' '\n' <<<"$1" | grep . | sort -n | tr '\n' ' '; }
# whole COUNT: the numbers up to it, once each.
whole() { seq 0 $(($1 - 1)) | tr '\n' ' '; }

MORE=()
# Behind a bridge the first frames after the program's start are lost until its port forwards; here they count.
topology direct
for way in from_program to_program; do
    $way "loss=10%,seed=7" 300 400 paced
    first=$GOT
    check "$way: about 10 % are lost (here $((300 - PIECES)) of 300)" [ "$PIECES" -ge 249 -a "$PIECES" -le 291 ]
    $way "loss=10%,delay=2ms,jitter=1ms,seed=7" 300 400 paced
    check_equal "$way: the same seed loses the same with a delay" "$first" "$GOT"
    $way "reorder=10%,gap=3,delay=1ms,seed=7" 300 400 paced
    check_equal "$way: reordered, all arrive" "$(whole 300)" "$(sorted "$GOT")"
    check "$way: and not in order" [ "$GOT" != "$(whole 300)" ]
    $way "corrupt=100%,seed=7" 200 1200 paced
    check_equal "$way: what is corrupt never arrives" "" "$GOT"
done
from_program "dup=100%" 50 400 paced
check_equal "each comes twice, its copy right behind" "$(for n in $(seq 0 49); do echo "$n $n"; done | tr '\n' ' ')" "$GOT"
# Datagrams that the stack would leave to the device in one piece are several frames here, and so are fragments.
from_program "loss=30%,seed=5" 100 4000 paced
check "a datagram of three fragments is lost more often than one (here $((100 - PIECES)) of 100)" [ "$PIECES" -le 55 ]
check "but not always" [ "$PIECES" -ge 15 ]

from_program "out.rate=2mbit,queue=1MB" 101 1200
check_equal "a rate: all arrive" "$(whole 101)" "$GOT"
# Each has 1270 bytes, at 2 Mbit/s.
check "in 513 ms at the least (here $SPAN)" [ "$SPAN" -ge 513 ]
# 100 ms each: a burst meets a queue of 10.
from_program "out.rate=100kbit,queue=10" 60 1200 exit
check "a queue of 10 drops from a burst of 60 (here $PIECES arrived)" [ "$PIECES" -ge 10 -a "$PIECES" -lt 60 ]
check_equal "at its tail" "$(whole 10)" "$(cut -d' ' -f1-10 <<<"$GOT") "

from_program "delay=400ms" 20 400 exit
check_equal "what is under way at exit arrives" "$(whole 20)" "$GOT"
MORE=(MATNET_LINGER=0)
from_program "delay=1h" 20 400 exit
check_equal "also when there is no time to linger" "$(whole 20)" "$GOT"
MORE=()
from_program "delay=300ms" 20 400 busy
check_equal "and while the program computes" "$(whole 20)" "$GOT"
from_program "delay=200ms" 20 400 fork
check_equal "and after forks, once each" "$(whole 20)" "$GOT"
finish
