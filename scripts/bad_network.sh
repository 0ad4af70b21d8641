#!/usr/bin/env bash
# The library against the kernel on bad networks: integrity, goodput beside the kernel's cubic, tshark's expert. As root.
#
#   scripts/bad_network.sh --smoke        a few small cases, one to two minutes; decides nothing by time (a stage of test.sh)
#   scripts/bad_network.sh [PART...]      the whole campaign, an hour or two: ceiling integrity goodput expert
#       --jobs N        cases of `integrity` at once (3)       --rounds N     rounds of `goodput` (3)
#       --mb N          megabytes in place of 200              --only REGEX   names of cases to run
#
# tests/faults/README.md says what each does. Tables and captures go to LOGS (a directory under TMPDIR, kept and named at the end).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
[ -d "$HOME/.cargo/bin" ] && PATH=$PATH:$HOME/.cargo/bin
smoke=''
jobs=3
rounds=3
megabytes=''
only=.
parts=()
while [ $# -gt 0 ]; do
    case $1 in
    --smoke) smoke=1 ;;
    --jobs | --rounds | --mb | --only)
        [ $# -ge 2 ] || { echo "$0: $1 needs a value" >&2; exit 2; }
        case $1 in --jobs) jobs=$2 ;; --rounds) rounds=$2 ;; --mb) megabytes=$2 ;; --only) only=$2 ;; esac
        shift
        ;;
    ceiling | integrity | goodput | expert) parts+=("$1") ;;
    -h | --help)
        sed -n '2,10s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        echo "$0: no '$1' (--help)" >&2
        exit 2
        ;;
    esac
    shift
done
case $jobs$rounds${megabytes:-1} in
*[!0-9]*)
    echo "$0: --jobs, --rounds and --mb take whole numbers" >&2
    exit 2
    ;;
esac
if [ -n "${BUILD-1}" ]; then
    cargo build --release --quiet -p matnet -p matnet-emulator || exit 1
fi
if [ -n "$smoke" ]; then
    parts=(integrity expert)
    jobs=4
    megabytes=${megabytes:-2}
    # The time of these is bounded by their streams: 2 MB are some seconds of each.
    [ "$only" != . ] || only='^(loss_1_20ms|loss_5_20ms|reno_loss_1|bbr_loss_1|bursts|reorder_10|duplication|corruption|everything|mtu_576|mtu_65521|outage_smoke)$'
fi
[ ${#parts[@]} -gt 0 ] || parts=(ceiling integrity goodput expert)
logs=${LOGS:-$(mktemp -d "${TMPDIR:-/tmp}/matnet-bad-network.XXXXXX")}
mkdir -p "$logs"
limit=$([ -n "$smoke" ] && echo 100 || echo 900)
running=()
declare -A cases=() # pid: the name of a case that runs
leave() {
    local pid
    trap - INT TERM HUP
    for pid in "${running[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${running[@]}"; do wait "$pid" 2>/dev/null; done
    exit 130
}
trap leave INT TERM HUP
failed=0

# foreground COMMAND...: so that an interrupt reaches us while we wait.
foreground() {
    "$@" &
    running=($!)
    wait "${running[0]}"
    local status=$?
    running=()
    return $status
}

# reap: forgets the cases that are over.
reap() {
    local pid left=()
    for pid in "${running[@]}"; do
        if kill -0 "$pid" 2>/dev/null; then
            left+=("$pid")
            continue
        fi
        wait "$pid" || failed=$((failed + 1))
        cat "$logs/integrity.${cases[$pid]}.log"
    done
    running=("${left[@]}")
}

part_integrity() {
    local name
    while read -r name _; do
        [[ $name =~ $only ]] || continue
        while [ ${#running[@]} -ge "$jobs" ]; do
            sleep 0.2
            reap
        done
        TEST_LIMIT=$limit tests/faults/integrity.sh "$name" ${megabytes:+"$megabytes"} >"$logs/integrity.$name.log" 2>&1 </dev/null &
        running+=($!)
        cases[$!]=$name
    done < <(awk '!/^#/ && NF' tests/faults/cases.txt)
    while [ ${#running[@]} -gt 0 ]; do
        sleep 0.2
        reap
    done
}

part_goodput() {
    local names
    mapfile -t names < <(awk '!/^#/ && NF { print $1 }' tests/faults/goodput.txt | grep -E "$only")
    [ ${#names[@]} -gt 0 ] || return 0
    foreground env RESULTS="$logs/goodput.tsv" tests/faults/goodput.sh "$rounds" "${names[@]}" || failed=$((failed + 1))
}

part_expert() {
    local names
    if [ -n "$smoke" ]; then
        names=(loss_1_20ms reorder_10)
    else
        mapfile -t names < <(awk '!/^#/ && NF { print $1 }' tests/faults/cases.txt | grep -E "$only")
    fi
    [ ${#names[@]} -gt 0 ] || return 0
    foreground env ${smoke:+TEST_LIMIT=100} KEEP="$logs/captures" tests/faults/expert.sh "$([ -n "$smoke" ] && echo 1 || echo 4)" "${names[@]}" || failed=$((failed + 1))
}

part_ceiling() { foreground tests/faults/ceiling.sh || failed=$((failed + 1)); }

for part in "${parts[@]}"; do
    echo "== $part"
    "part_$part"
done
if [ $failed -gt 0 ]; then
    echo "$failed failed; logs in $logs"
    exit 1
fi
if [ -n "$smoke" ] && [ -z "${LOGS:-}" ]; then rm -rf "$logs"; else echo "logs in $logs"; fi
echo "all passed"
