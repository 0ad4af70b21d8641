#!/usr/bin/env bash
# A persistent device that is down, or whose carrier the peer ignores: no hang; a line, or it works.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
topology direct
in_prog ip tuntap add dev matnet0 mode tap
in_prog ip addr add 10.88.45.1/24 dev matnet0
http_peer
probe env
check_equal "the program ends in order" 0 "$PROBE_STATUS"
if grep -q '^tcp works' "$WORK/probe.out"; then
    ok "the device was brought up"
else
    check_equal "lines printed" 1 "$(lines "$WORK/probe.err" | wc -l)"
    check_match "the line says what to do" 'ip link set|matnet up|is down' "$(lines "$WORK/probe.err")"
    check_match "the program keeps control" '^in control quick$' "$(cat "$WORK/probe.out")"
fi
note "$(cat "$WORK/probe.out" "$WORK/probe.err" | tr '\n' ';')"

# Brought down while it runs, and up again: the connection survives as on a cable.
topology direct
peer_bg echo "$PYTHON" "$HELPERS/stream.py" server blocking 9000 1
peer_ready 9000
cat >"$WORK/through.py" <<'PY'
import socket, time
s = socket.create_connection(("10.88.45.1", 9000))
s.settimeout(20)
s.sendall(b"one")
assert s.recv(10) == b"one"
print("ready", flush=True)
time.sleep(1)
s.sendall(b"two")
print(s.recv(10).decode())
PY
prog_bg through "$PYTHON" "$WORK/through.py"
program=$LAST
await 10 grep -q ready "$WORK/through.log" || not_ok "does not start: $(cat "$WORK/through.log")"
in_prog ip link set matnet0 down
sleep 1.5
in_prog ip link set matnet0 up
await 25 dead "$program" || not_ok "hangs"
check_match "a device that was down for a moment loses nothing" '^two$' "$(cat "$WORK/through.log")"
finish
