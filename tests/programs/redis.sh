#!/usr/bin/env bash
# redis-server: redis-benchmark from the kernel's side, and the data is what was stored.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need redis-server redis-cli redis-benchmark tshark

for topology in direct bridged; do
    topology $topology
    capture "$topology-data"
    for run in data speed; do
        [ $run = speed ] && OPTIONS=()
        prog_bg "redis-$run" redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --appendonly no --dir "$WORK"
        server=$LAST
        prog_ready 6379
        if [ $run = data ]; then
            check_equal "PING" PONG "$(peer redis-cli -h $PROG_IP ping)"
            make_data "$WORK/value.data" 3000000
            base64 -w 0 "$WORK/value.data" >"$WORK/value64.data"
            check_equal "SET of 4 MB" OK "$(nsenter --net="/proc/$PEER_NS/ns/net" -- timeout 20 redis-cli -h $PROG_IP -x set big <"$WORK/value64.data")"
            check_equal "STRLEN" 4000000 "$(peer redis-cli -h $PROG_IP strlen big)"
            peer redis-cli -h $PROG_IP get big | base64 -d 2>/dev/null >"$WORK/back.data"
            same_file "GET of 4 MB" "$WORK/value.data" "$WORK/back.data"
            seq 1 20000 | awk '{ printf "SET key:%d value:%d\r\n", $1, $1 * 7 }' >"$WORK/commands.data"
            answer=$(nsenter --net="/proc/$PEER_NS/ns/net" -- timeout 20 redis-cli -h $PROG_IP --pipe <"$WORK/commands.data")
            check_match "20000 pipelined SETs" 'errors: 0, replies: 20000' "$answer"
            check_equal "one of them" "value:86415" "$(peer redis-cli -h $PROG_IP get key:12345)"
        else
            report=$(peer redis-benchmark -h $PROG_IP -q -n 20000 -c 50 -t set,get,lpush,lrange_100 2>&1 | tr '\r' '\n' | grep 'per second')
            check_equal "redis-benchmark, 50 connections: every test ran" 5 "$(printf '%s\n' "$report" | grep -c .)"
            report=$(peer redis-benchmark -h $PROG_IP -q -n 100000 -c 50 -P 16 -t set,get 2>&1 | tr '\r' '\n' | grep 'per second')
            check_equal "redis-benchmark with pipeline 16" 2 "$(printf '%s\n' "$report" | grep -c .)"
            printf '%s\n' "$report" | sed 's/^/# pipeline 16: /'
        fi
        check "redis-server ends when told" stop "$server"
        [ $run = data ] && check_capture 4000000 4000000
    done
done
finish
