#!/usr/bin/env bash
# alone: it measures
# What the emulator itself can do, with two kernels: forwarding without faults, and how late it delivers at 100 Mbit/s. A comparison at 100 Mbit/s
# means something only if the first is far above that and the second far below the round trip.
TEST_LIMIT=${TEST_LIMIT:-120}
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
bad_network 1500
server_in "$PEER_NS" cubic
for faults in loss=0% delay=10ms,rate=100mbit,queue=250kB; do
    emulator_begin "$faults"
    transfer kernel put --seconds 5 --give-up 60 || not_ok "$faults: $(value .errors)"
    rate=$(value .mbit)
    late='p50 \(.out.late_us.p50), p99 \(.out.late_us.p99), p99.9 \(.out.late_us.p999), most \(.out.late_us.max) us'
    sleep 0.3
    emulator_end
    ok "$faults: $rate Mbit/s, delivered late by $(jq -r "\"$late\"" "$STATS")"
    echo "$rate" >>"$WORK/rates"
done
# Not a question of time: a path of 100 Mbit/s is not emulated by what forwards less than twice that.
# shellcheck disable=SC2016
check "the emulator forwards at least 200 Mbit/s" awk 'NR == 1 { exit !($1 >= 200) }' "$WORK/rates"
finish
