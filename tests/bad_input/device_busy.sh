#!/usr/bin/env bash
# The device is in use by another process.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl "$PYTHON"
topology direct
http_peer
echo "a page" >"$WORK/www/page"
prog_bg first "$PYTHON" -u -c '
import socket, sys, time
s = socket.create_connection(("10.88.45.1", 8000))
print("ready", flush=True)
time.sleep(8)
s.sendall(b"GET /page HTTP/1.0\r\n\r\n")
data = b""
while got := s.recv(4096):
    data += got
print(data.decode().splitlines()[-1])'
first=$LAST
await 10 grep -q ready "$WORK/first.log" || not_ok "the first program does not start: $(cat "$WORK/first.log")"
probe env
refused "device busy" 'matnet0' 'busy|in use' 'MATNET_TAP'
prog curl -s -o /dev/null http://$HOST_IP:8000/page
check_equal "curl beside it fails as without a network (7)" 7 $?
OPTIONS=(MATNET_TAP=matnet1 MATNET_ADDR=10.88.46.2/24)
check_equal "with a device of its own it works" "a page" "$(prog curl -sS http://10.88.46.1:8000/page)"
await 15 dead "$first" || not_ok "the first program does not end"
check_match "the first program was not disturbed" '^a page$' "$(cat "$WORK/first.log")"
finish
