#!/usr/bin/env bash
# MATNET_FAULT seen by ping: the delay in both directions, the same losses for the same seed whatever the pace, copies, an outage;
# and an idle program with faults has no wake-ups.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need ping "$PYTHON"

cat >"$WORK/sleep.py" <<'PY'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7777))
print("ready", flush=True)
time.sleep(600)
PY
cat >"$WORK/busy.py" <<'PY'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7777))
print("ready", flush=True)
while True:
    pass
PY

ready() { grep -qs ready "$WORK/$1.log"; }

# pings PROGRAM FAULTS ARGUMENTS...: what the kernel's ping says of a fresh program with these faults.
pings() {
    local program=$1
    OPTIONS=("MATNET_FAULT=$2")
    shift 2
    rm -f "$WORK/$program.log"
    prog_bg "$program" "$PYTHON" "$WORK/$program.py"
    PROGRAM=$LAST
    await 20 ready "$program" || not_ok "$program does not start"
    REPORT=$(peer ping -n -W 2 "$@" "$PROG_IP")
}
ended() { stop "$PROGRAM" KILL 2>/dev/null; }

answers() { sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' <<<"$1" | tr '\n' ' '; }
# fastest REPORT: the least round trip in microseconds.
fastest() { sed -n 's|^rtt [a-z/]* = \([0-9]*\)\.\([0-9]*\)/.*|\1\2|p' <<<"$1" | sed 's/^0*\(.\)/\1/'; }

switches() { awk '/_ctxt_switches/ { n += $2 } END { print n }' /proc/"$1"/task/*/status; }

# Behind a bridge the first frames after the program's start are lost until its port forwards; here they count.
topology direct
pings sleep "loss=20%,seed=7" -c 100 -i 0.01
first=$(answers "$REPORT")
ended
lost=$((100 - $(wc -w <<<"$first")))
# Both ways: 36 of 100 on average, 4.8 the standard deviation.
check "20 % each way lose 16 to 56 of 100 (here $lost)" [ $lost -ge 16 -a $lost -le 56 ]
pings sleep "loss=20%,seed=7" -c 100 -i 0.003
ended
check_equal "the same seed loses the same at another pace" "$first" "$(answers "$REPORT")"
pings busy "loss=20%,delay=3ms,jitter=1ms,corrupt=0%,seed=7" -c 100 -i 0.02
ended
check_equal "and with a delay, of a program that computes" "$first" "$(answers "$REPORT")"
pings sleep "loss=20%,seed=8" -c 100 -i 0.003
ended
check "another seed loses others" [ "$first" != "$(answers "$REPORT")" ]

pings sleep "in.delay=30ms,out.delay=20ms,jitter=5ms" -c 10 -i 0.01
check_match "all are answered" ' 10 received' "$REPORT"
check "no round trip is shorter than 25 ms and 15 ms (here $(fastest "$REPORT") us)" [ "$(fastest "$REPORT")" -ge 40000 ]
# Nothing is under way: nobody wakes.
sleep 0.3
before=$(switches "$PROGRAM")
sleep 1.5
after=$(switches "$PROGRAM")
check "idle: $((after - before)) context switches in 1.5 s" [ $((after - before)) -le 6 ]
ended

pings busy "out.delay=20ms" -c 5 -i 0.05
ended
check "a busy program's answers are delayed, too (here $(fastest "$REPORT") us)" [ "$(fastest "$REPORT")" -ge 20000 ]
check_match "and none is missing" ' 5 received' "$REPORT"

pings sleep "out.dup=100%" -c 10 -i 0.01
ended
# ping ends with the tenth answer and may not see its copy.
check_match "every answer comes twice" ' 10 received, \+(9|10) duplicates' "$REPORT"
pings sleep "in.corrupt=100%" -c 5 -i 0.01 -W 1
ended
check_match "a corrupted request is not answered" ' 0 received' "$REPORT"
pings sleep "outage=0s+1h" -c 3 -i 0.01 -W 1
ended
check_match "nothing passes an outage" ' 0 received' "$REPORT"
finish
