#!/usr/bin/env bash
# A flood of SYNs from addresses that are not there: the server's memory stays bounded, and a client gets in while it lasts
# (SYN cookies, RFC 4987).
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
EXPECT_LINES=''
FLOOD=$ROOT/tests/bad_input/syn_flood.py
COUNT=100000

cat >"$WORK/server.py" <<'PY'
import socket
s = socket.socket()
s.bind(("10.88.45.2", 8000))
s.listen(64)
print("ready", flush=True)
while True:
    c, _ = s.accept()
    data = c.recv(100)
    if data == b"end":
        break
    c.sendall(data)
    c.close()
PY
cat >"$WORK/client.py" <<'PY'
import socket, sys
for n in range(int(sys.argv[1])):
    s = socket.create_connection(("10.88.45.2", 8000), 20)
    s.settimeout(20)
    s.sendall(b"hello %d" % n)
    print("answered" if s.recv(100) == b"hello %d" % n else "wrong", flush=True)
    s.close()
PY
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

topology bridged
# What the flood makes the program answer goes to the gateway, which is no router.
mark
prog_bg server "$PYTHON" -u "$WORK/server.py"
SERVER=$LAST
await 15 grep -qs ready "$WORK/server.log"
check_equal "before the flood" "answered" "$(peer "$PYTHON" "$WORK/client.py" 1)"
before=$(resident "$SERVER")
peer_bg flood "$PYTHON" "$FLOOD" veth1 $PROG_IP 8000 $COUNT
FLOODER=$LAST
sleep 0.3
check_equal "a client gets in while it lasts" "20 answered" "$(peer "$PYTHON" "$WORK/client.py" 20 | uniq -c | xargs)"
await 100 dead "$FLOODER" || not_ok "the flood does not end"
check_equal "the flood" "sent $COUNT" "$(cat "$WORK/flood.log")"
# (The device's queue drops some.)
arrived=$((($(moved to) - MARK_TO) / 74))
check "of its $COUNT SYNs $arrived arrived, more than the queue of 64 holds" test "$arrived" -gt 10000
check_equal "and after it" "answered" "$(peer "$PYTHON" "$WORK/client.py" 1)"
after=$(resident "$SERVER")
note "resident: $before kB before, $after kB after"
check "the server's memory grew by less than 6 MB" test $((after - before)) -lt 6000
peer "$PYTHON" -c 'import socket; socket.create_connection(("10.88.45.2", 8000)).sendall(b"end")'
await 20 dead "$SERVER" || not_ok "the server does not end"
finish
