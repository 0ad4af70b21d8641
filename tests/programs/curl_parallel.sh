#!/usr/bin/env bash
# curl -Z: 20 transfers at once in one process, down and up.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl tshark "$PYTHON"

COUNT=20
SIZE=5000000
for i in $(seq $COUNT); do make_data "$WORK/in$i.data" $SIZE; done

all_the_same() { # FROM TO: inI.data and outI.data
    local i
    for i in $(seq "$COUNT"); do cmp -s "$1$i.data" "$2$i.data" || { echo "# file $i differs"; return 1; }; done
}

for topology in direct bridged; do
    topology $topology
    http_peer
    for i in $(seq $COUNT); do ln -f "$WORK/in$i.data" "$WORK/www/in$i.data"; done

    capture "$topology-down"
    mark
    prog curl -sS -Z --parallel-max $COUNT --parallel-immediate -o "$WORK/out#1.data" "http://$HOST_IP:8000/in[1-$COUNT].data"
    check_equal "20 parallel downloads end with 0" 0 $?
    check "20 parallel downloads are right" all_the_same "$WORK/in" "$WORK/out"
    check_moved to $((COUNT * SIZE))
    check_capture 0 $((COUNT * SIZE))
    rm -f "$WORK"/out*.data

    capture "$topology-up"
    arguments=()
    for i in $(seq $COUNT); do arguments+=(-T "$WORK/in$i.data" "http://$HOST_IP:8000/up$i.data"); done
    mark
    prog curl -sS -Z --parallel-max $COUNT --parallel-immediate "${arguments[@]}" >"$WORK/answers"
    check_equal "20 parallel uploads end with 0" 0 $?
    check "20 parallel uploads are right" all_the_same "$WORK/in" "$WORK/www/up"
    check_equal "every upload was answered" $COUNT "$(wc -l <"$WORK/answers")"
    check_moved from $((COUNT * SIZE))
    check_capture $((COUNT * SIZE)) 0
    rm -f "$WORK"/www/up*.data
done
finish
