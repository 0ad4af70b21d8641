#!/usr/bin/env bash
# memcached with four threads: eight clients that compare what they get, UDP, and its own statistics.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need memcached tshark "$PYTHON"

topology bridged
capture load
prog_bg memcached memcached -u root -l 0.0.0.0 -p 11211 -U 11211 -t 4 -m 256 -I 2m
server=$LAST
prog_ready 11211
answer=$(peer "$PYTHON" "$HELPERS/memcached_load.py" $PROG_IP 11211)
check_match "800 counted by eight clients at once" '^counter 800$' "$answer"
check_match "every value is what was stored, by TCP and UDP" '^errors 0$' "$answer"
check_match "memcached counted them" 'STAT cmd_set 2409' \
    "$(printf 'stats\r\nquit\r\n' | in_peer socat -t 5 - TCP4:$PROG_IP:11211 | tr -d '\r')"
check "memcached ends when told" stop "$server"
check_capture 30000000 30000000
finish
