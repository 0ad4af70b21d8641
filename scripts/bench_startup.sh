#!/usr/bin/env bash
# What the library costs a program that makes no internet socket: the start of `true`, and 1 GB through
# `dd bs=4k if=/dev/zero of=/dev/null`, each with and without it, alternating, medians.
#
# usage: scripts/bench_startup.sh [LIBRARY [STARTS [COPIES]]]      (target/release/libmatnet.so, 400, 41)
#        Fails if the start costs more than START_LIMIT microseconds more (400).
#        Runs at real-time priority where that is allowed, so that other work on the machine does not count.
set -euo pipefail
if [ -z "${BENCH_PRIORITY:-}" ] && chrt -f 10 true 2>/dev/null; then
    BENCH_PRIORITY=real-time exec chrt -f 10 "$0" "$@"
fi
library=$(realpath "${1:-$(dirname "$0")/../target/release/libmatnet.so}")
starts=${2:-400}
copies=${3:-41}
limit=${START_LIMIT:-400}
[ -r "$library" ] || { echo "bench_startup: no $library: cargo build --release makes it" >&2; exit 2; }
true=$(type -P true)
dd=$(type -P dd)

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# measure FILE PRELOAD COMMAND...: one run, its microseconds appended to FILE.
measure() {
    local file=$1 preload=$2 from to
    shift 2
    from=${EPOCHREALTIME/[.,]/}
    LD_PRELOAD=$preload "$@" 2>/dev/null
    to=${EPOCHREALTIME/[.,]/}
    echo $((to - from)) >>"$file"
}

# compare RUNS COMMAND...: sets `without` and `with`, and `more`, the median of the differences of neighbouring runs, which
# a load that comes and goes disturbs least.
compare() {
    local runs=$1 dir i
    shift
    dir=$(mktemp -d)
    measure /dev/null "" "$@"
    measure /dev/null "$library" "$@"
    for ((i = 0; i < runs; i++)); do
        measure "$dir/without" "" "$@"
        measure "$dir/with" "$library" "$@"
    done
    without=$(median <"$dir/without")
    with=$(median <"$dir/with")
    more=$(paste "$dir/without" "$dir/with" | awk '{ print $2 - $1 }' | median)
    rm -r "$dir"
}

compare "$starts" "$true"
start=$more
printf 'start of true, median of %d: %d us without, %d us with: %+d us\n' "$starts" "$without" "$with" "$start"

compare "$copies" "$dd" bs=4k count=262144 if=/dev/zero of=/dev/null
printf 'dd of 1 GB, bs=4k, median of %d: %d ms without, %d ms with: %s %%\n' "$copies" \
    "$((without / 1000))" "$((with / 1000))" "$(awk "BEGIN { printf \"%+.1f\", $more * 100 / $without }")"

if [ "$start" -gt "$limit" ]; then
    echo "bench_startup: the start costs more than $limit us" >&2
    exit 1
fi
