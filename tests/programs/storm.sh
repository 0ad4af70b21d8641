#!/usr/bin/env bash
# Threads, handlers, children and C streams that get in each other's way: no wake-up is lost, no byte changes, nothing hangs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need cc nft "$PYTHON"
compile storm

topology direct
peer_bg serve "$PYTHON" "$HELPERS/storm_peer.py" serve 9200
peer_ready 9200
peer_ready 9201
# The program's address and, in its own namespace, the kernel's loopback: both at once.
from=("$PROG_IP")
[ -n "$NATIVE" ] || from+=(127.0.0.1)
for kind in tcp udp; do
    mode=${kind/tcp/accept}
    prog_bg "$mode" "$WORK/storm" "$mode" 9300 2000
    server=$LAST
    await 10 grep -qs up "$WORK/$mode.log" || not_ok "storm $mode does not start"
    check_equal "$mode in many threads: every request" "unanswered []" \
        "$(peer "$PYTHON" "$HELPERS/storm_peer.py" $kind 9300 2000 "${from[@]}")"
    await 5 dead "$server" || not_ok "storm $mode does not end"
    check_match "$mode in many threads: all came" "^all 2000$" "$(cat "$WORK/$mode.log")"
done
check_equal "fork while threads are in every call" "children 150" "$(prog "$WORK/storm" fork $HOST_IP 9200)"
check_equal "O_ASYNC that comes and goes" "many signals, much data" "$(prog "$WORK/storm" sigio $HOST_IP 9200)"
prog "$WORK/storm" lines $HOST_IP 9201 || not_ok "storm lines ends with $?"
await 10 grep -qs lines "$WORK/serve.log"
check_equal "printf, send, dprintf, writev and children in turn" "lines 1013 wrong [] last end" "$(cat "$WORK/serve.log")"
finish
