#!/usr/bin/env bash
# ping: answered while the program works, sleeps and waits; and ping itself under the library.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need ping tshark "$PYTHON"

cat >"$WORK/sleep.py" <<'PY'
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7777))
print("ready", flush=True)
time.sleep(60)
PY
cat >"$WORK/wait.py" <<'PY'
import socket
s = socket.socket()
s.bind(("0.0.0.0", 7777))
s.listen()
s.accept()
PY
cat >"$WORK/busy.py" <<'PY'
import socket
s = socket.socket()
s.bind(("0.0.0.0", 7777))
s.listen()
while True:
    pass
PY

answered() { peer ping -n -q -c 1 -W 1 "$PROG_IP" >/dev/null 2>&1; }

idle=$([ -n "$LONG" ] && echo 3 || echo 1.5)

switches() { awk '/_ctxt_switches/ { n += $2 } END { print n }' /proc/"$1"/task/*/status; }

for topology in direct bridged; do
    topology $topology
    for program in sleep wait busy; do
        capture "$topology-$program"
        prog_bg $program "$PYTHON" "$WORK/$program.py"
        pid=$LAST
        await 10 answered || not_ok "no answer at all while the program does $program"
        report=$(peer ping -n -q -c 50 -i 0.01 -W 2 $PROG_IP)
        check_match "50 pings answered while the program does $program" ' 50 received, 0% packet loss' "$report"
        note "$(printf '%s\n' "$report" | tail -1)"
        check_match "1400 bytes" ' 3 received, 0%' "$(peer ping -n -q -c 3 -i 0.01 -W 2 -s 1400 $PROG_IP)"
        check_match "8000 bytes: fragments both ways" ' 3 received, 0%' "$(peer ping -n -q -c 3 -i 0.01 -W 2 -s 8000 $PROG_IP)"
        check_match "65507 bytes" ' 1 received, 0%' "$(peer ping -n -q -c 1 -W 2 -s 65507 $PROG_IP)"
        if [ $program != busy ] && [ -z "$NATIVE" ]; then
            sleep 0.6
            before=$(switches "$pid")
            sleep "$idle"
            after=$(switches "$pid")
            if [ $((after - before)) -le 6 ]; then ok "idle: $((after - before)) context switches in $idle s"; else not_ok "idle: $((after - before)) context switches in $idle s"; fi
        fi
        stop "$pid" KILL
        check_capture 0 0
    done

    # A copy of ping has no file capabilities, so the loader honours LD_PRELOAD; it makes ICMP sockets of its own.
    cp "$(command -v ping)" "$WORK/ping"
    # It drops the capability to make a device before it opens a socket, so the device is made before.
    if [ $topology = direct ] && [ -z "$NATIVE" ]; then
        in_prog ip tuntap add dev matnet0 mode tap
        in_prog ip addr add $HOST_IP/24 dev matnet0
        in_prog ip link set matnet0 up
    fi
    capture "$topology-own"
    report=$(prog "$WORK/ping" -n -c 5 -i 0.05 -W 2 $HOST_IP)
    check_match "ping under the library is answered" ' 5 received, 0% packet loss' "$report"
    check_equal "five answers, in order" "1 2 3 4 5" "$(printf '%s\n' "$report" | sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' | tr '\n' ' ' | sed 's/ $//')"
    check_match "ping -s 8000 under the library" ' 2 received, 0%' "$(prog "$WORK/ping" -n -q -c 2 -i 0.05 -W 2 -s 8000 $HOST_IP)"
    check_match "nobody at that address" '100% packet loss' "$(prog "$WORK/ping" -n -q -c 1 -W 1 10.88.45.99)"
done
finish
