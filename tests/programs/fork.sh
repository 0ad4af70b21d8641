#!/usr/bin/env bash
# fork and exec: a child fails cleanly on an inherited socket and the parent's connection survives.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark "$PYTHON"

for topology in direct bridged; do
    topology $topology
    capture "$topology"
    peer_bg echo "$PYTHON" "$HELPERS/stream.py" server blocking 9000 1
    peer_ready 9000
    if [ -n "$NATIVE" ]; then
        report=$(prog "$PYTHON" "$HELPERS/fork.py" $HOST_IP 9000)
    else
        report=$(EXPECT_FAILURE=1 prog "$PYTHON" "$HELPERS/fork.py" $HOST_IP 9000)
        check_match "the child that uses the socket gets an error, no hang" 'uses the inherited socket: 0$' "$report"
        check_match "the parent goes on after it" 'after a child that used the socket right' "$report"
    fi
    check_match "the child that does something else" 'something else: 0$' "$report"
    check_match "the parent goes on after a child that closes" 'after a child that closed right' "$report"
    check_match "the parent goes on after a child that exits" 'after a child that exited right' "$report"
    check_match "a subprocess works" 'subprocess: from the shell' "$report"
    check_match "an executed child with the socket ends" 'executed child with the socket ended with 0' "$report"
    check_match "system works" 'system: 3' "$report"
    check_match "the parent's bytes are right to the end" 'at the end right' "$report"
    check_match "and its connection ends in order" 'eof: True' "$report"
    check_capture 300000 300000
done
finish
