#!/usr/bin/env bash
# The device is removed while the program sends, receives, waits in poll or epoll, or sleeps: ENETDOWN, no hang.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
cat >"$WORK/removed.py" <<'PY'
"""removed.py WAY: uses a connection until it fails; prints the errno, then tries a new socket."""
import errno, select, socket, sys, time

way = sys.argv[1]


def name(e):
    return errno.errorcode.get(e.errno, str(e))


connection = socket.create_connection(("10.88.45.1", 9000 if way in ("receive", "send") else 9001))
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(("0.0.0.0", 7777))
listener = socket.socket()
listener.bind(("0.0.0.0", 7778))
listener.listen()
print("ready", flush=True)
begin = time.monotonic()
try:
    if way == "receive":
        while connection.recv(1 << 16):
            pass
    elif way == "send":
        while True:
            connection.send(b"z" * 65536)
    elif way == "idle":
        connection.recv(1)
    elif way == "udp":
        datagrams.recv(1)
    elif way == "accept":
        listener.accept()
    elif way == "poll":
        p = select.poll()
        p.register(connection, select.POLLIN)
        print("events", p.poll(15000) != [])
        connection.recv(1)
    elif way == "epoll":
        p = select.epoll()
        p.register(connection, select.EPOLLIN)
        print("events", p.poll(15) != [])
        connection.recv(1)
    elif way == "select":
        print("events", select.select([connection], [], [], 15)[0] != [])
        connection.recv(1)
    elif way == "asleep":
        time.sleep(2)
        connection.send(b"x")
    print("no error")
except OSError as e:
    print(way, name(e))
try:
    s = socket.socket()
    s.settimeout(5)
    s.connect(("10.88.45.1", 9001))
    print("new works")
except OSError as e:
    print("new", name(e))
connection.close()
print("in control" if time.monotonic() - begin < 10 else "slow")
PY
cat >"$WORK/peer.py" <<'PY'
import socket, sys, threading
def serve(port, active):
    l = socket.socket()
    l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    l.bind(("0.0.0.0", port))
    l.listen()
    kept = []
    while True:
        c, _ = l.accept()
        kept.append(c)
        if active:
            threading.Thread(target=pump, args=(c,), daemon=True).start()
            threading.Thread(target=drain, args=(c,), daemon=True).start()
def pump(c):
    try:
        while True:
            c.sendall(b"y" * 65536)
    except OSError:
        pass
def drain(c):
    try:
        while c.recv(1 << 16):
            pass
    except OSError:
        pass
threading.Thread(target=serve, args=(9000, True), daemon=True).start()
serve(9001, False)
PY

for way in receive send idle udp accept poll select epoll asleep; do
    topology direct
    peer_bg peer "$PYTHON" "$WORK/peer.py"
    peer_ready 9000
    peer_ready 9001
    prog_bg "program-$way" "$PYTHON" -u "$WORK/removed.py" $way
    program=$LAST
    await 10 grep -q ready "$WORK/program-$way.log" || not_ok "$way: does not start: $(cat "$WORK/program-$way.log")"
    sleep 0.5
    in_prog ip link del matnet0
    await 20 dead "$program" || not_ok "$way: hangs"
    stop "$program"
    output=$(cat "$WORK/program-$way.log")
    check_match "$way: fails with ENETDOWN" "^$way ENETDOWN$" "$output"
    check_match "$way: so does a new socket" '^new ENETDOWN$' "$output"
    check_match "$way: the program keeps control" '^in control$' "$output"
    case $way in poll | select | epoll) check_match "$way: reports the socket" '^events True$' "$output" ;; esac
    check_equal "$way: lines printed" 1 "$(lines "$WORK/program-$way.log" | wc -l)"
    check_match "$way: the line names the device" 'matnet0' "$(lines "$WORK/program-$way.log")"
done
note "$(lines "$WORK/program-idle.log")"
finish
