#!/usr/bin/env bash
# Threads: many sockets at once, two threads on one socket, many senders on one socket.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need cc tshark "$PYTHON"
compile threads

for topology in direct bridged; do
    topology $topology
    capture "$topology"
    peer_bg echo "$PYTHON" "$HELPERS/stream.py" server blocking 9000 10
    peer_ready 9000
    mark
    report=$(prog "$WORK/threads" $HOST_IP 9000 8 2000000)
    check_equal "eight threads with eight connections; two and nine on one" "own right duplex right records right" "$(printf '%s' "$report" | tr '\n' ' ')"
    check_moved from $((9 * 2000000 + 8000000))
    check_capture $((8 * 2000000 + 2000000 + 8000000)) $((8 * 2000000 + 2000000 + 8000000))
done
finish
