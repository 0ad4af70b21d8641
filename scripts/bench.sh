#!/usr/bin/env bash
# How fast: the kernel's own TCP/IP over a veth against the library over its TAP, with the same programs, in one run. As root.
#
#   scripts/bench.sh [--quick | --smoke] [--rounds N] [--only REGEX] [--json FILE] [--readme] [--list]
#
#   --quick    a part of the workloads, in some 3 minutes; a full run takes some 30
#   --smoke    hardly any time for each: finds out whether the bench works, the figures mean nothing
#   --rounds   how often everything is measured (5; quick 2; smoke 1): medians, with the least and the most beside them
#   --only     the workloads whose "group: name" matches the extended regular expression, in any mode
#   --json     where the results are written (bench.json beside the library)
#   --readme   puts the table into README.md
#   --list     prints the workloads
#
# benches/workloads.sh has the workloads, one line each, and how each is measured. For every measurement both columns get fresh
# network namespaces, one after the other, round by round. cubic sends on every side. After each the counters of the device must
# match what the programs moved, so that a program that went past the library fails the bench. CPU seconds are those of
# the machine's cores 0 and 1, of whatever ran there: other load is in them. What is asked of a figure is printed beside
# it; the exit status depends on what failed (wrong bytes, counters, a tool), never on a timing.
MODE=full ROUNDS='' ONLY='' JSON='' README='' LISTING=''
options() {
    while [ $# -gt 0 ]; do
        case $1 in
        --quick) MODE=quick ROUNDS=${ROUNDS:-2} ;;
        --smoke) MODE=smoke ROUNDS=${ROUNDS:-1} ;;
        --readme) README=1 ;;
        --list) LISTING=1 ;;
        --help | -h)
            sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        --rounds | --only | --json)
            [ $# -gt 1 ] || { echo "bench.sh: $1 needs a value" >&2; exit 2; }
            case $1 in
            --rounds) ROUNDS=$2 ;;
            --only) ONLY=$2 ;;
            --json) JSON=$2 ;;
            esac
            shift
            ;;
        *)
            echo "bench.sh: '$1' is not understood: scripts/bench.sh --help" >&2
            exit 2
            ;;
        esac
        shift
    done
    : "${ROUNDS:=5}"
    [[ $ROUNDS =~ ^[1-9][0-9]*$ ]] || { echo "bench.sh: --rounds expects a number, got '$ROUNDS'" >&2; exit 2; }
}
options "$@"

# A round takes some six minutes; measurements that hang are given up after LIMIT each.
TEST_LIMIT=$((ROUNDS * 1800))
# shellcheck source=../tests/programs/lib.sh
. "$(dirname "$0")/../tests/programs/lib.sh"
BENCHES=$ROOT/benches
JSON=${JSON:-$TARGET/bench.json}
# shellcheck source=../benches/workloads.sh
. "$BENCHES/workloads.sh"

# --- what is measured ----------------------------------------------------------------------------------------------

# MEASURED[i] is how, FIGURE[i] the lines of the table that come out of it: "number key".
declare -a MEASURED=() FIGURE=() TITLE=()
read_table() {
    local group='' line name unit least aim modes how number=0 wanted=''
    while IFS= read -r line; do
        if [[ $line = '= '* ]]; then
            group=${line#= }
            continue
        fi
        line=${line// |/|}
        IFS='|' read -r name unit least aim modes how <<<"${line//| /|}"
        if [ -n "$ONLY" ]; then
            [[ "$group: $name" =~ $ONLY ]] && wanted=1 || wanted=''
        else
            case $MODE:$modes in full:* | quick:*q* | smoke:*s*) wanted=1 ;; *) wanted='' ;; esac
        fi
        if [[ $how != 'also '* ]]; then
            MEASURED+=("$how")
            TITLE+=("$group: $name")
            FIGURE+=('')
        fi
        number=$((number + 1))
        [ -n "$wanted" ] || continue
        [ -z "$LISTING" ] || printf '%s: %s\n' "$group" "$name"
        printf '%s|%s|%s|%s|%s|%s\n' "$group" "$name" "$unit" "$least" "$aim" "$number" >>"$WORK/table"
        [[ $how = 'also '* ]] || how='also value'
        FIGURE[${#FIGURE[@]} - 1]+=" $number:${how#also }"
    done < <(workload_table)
}
: >"$WORK/table"
read_table
[ -s "$WORK/table" ] || { echo "bench.sh: no workload matches '$ONLY'" >&2; exit 2; }
[ -z "$LISTING" ] || exit 0

# --- the machine ---------------------------------------------------------------------------------------------------

need awk cc curl dd ip iperf3 jq nginx redis-benchmark redis-server ss taskset wrk "$PYTHON"
LIMIT=40
OTHER=$(($(nproc) > 1 ? 1 : 0))
# 10,000 connections; the library keeps its own descriptors above the soft limit.
ulimit -Hn 65536 2>/dev/null
if ! ulimit -Sn 10200; then
    echo "bench.sh: the limit of open files is too low: run it with CAP_SYS_RESOURCE" >&2
    exit 2
fi
# Files in memory, so that no disk is measured.
[ -d /dev/shm ] && MEMORY=$(mktemp -d /dev/shm/matnet-bench.XXXXXX) || MEMORY=$WORK
# A namespace may choose cubic only if this list, which is the machine's, allows it.
ALLOWED=$(sysctl -n net.ipv4.tcp_allowed_congestion_control)
case " $ALLOWED " in
*" cubic "*) ALLOWED='' ;;
*) sysctl -qw "net.ipv4.tcp_allowed_congestion_control=$ALLOWED cubic" ;;
esac
leave() {
    local status=$?
    [ "$MEMORY" = "$WORK" ] || rm -rf "$MEMORY"
    [ -z "$ALLOWED" ] || sysctl -qw "net.ipv4.tcp_allowed_congestion_control=$ALLOWED"
    (exit "$status")
    cleanup
}
trap leave EXIT

for tool in rr crr flood conns; do
    cc -O2 -Wall -Wextra -o "$WORK/$tool" "$BENCHES/$tool.c" || exit 2
done
head -c "$FILE_SIZE" /dev/zero >"$MEMORY/file"
PAGE_SIZE=612
head -c $PAGE_SIZE /dev/zero | tr '\0' x >"$MEMORY/page"
mkdir -p "$WORK/temporary"
server_conf() { # PORT NAME
    cat <<NGINX
daemon off; master_process off; worker_processes 1; user root;
pid $WORK/$2.pid; error_log $WORK/nginx-error.txt;
events { worker_connections 4096; }
http {
    access_log off; sendfile on; keepalive_requests 1000000000; client_body_temp_path $WORK/temporary;
    server { listen $1 backlog=4096; root $MEMORY; }
}
NGINX
}
server_conf 8000 peer >"$WORK/peer.conf"
server_conf 8080 program >"$WORK/program.conf"

# --- one measurement -----------------------------------------------------------------------------------------------

# column kernel|library: fresh namespaces of the program and its peer. The kernel's: two, and a veth between them.
# The library's: one, with a TAP as the library makes it, but there before, so that its counters outlive the program.
column() {
    topology_end
    namespace
    PROG_NS=$LAST
    PEER_NS=$LAST
    OPTIONS=()
    if [ "$1" = kernel ]; then
        NATIVE=1
        DEVICE=veth1
        namespace
        PEER_NS=$LAST
        in_peer ip link add veth1 type veth peer name veth0 netns "$PROG_NS"
        in_prog ip addr add $PROG_IP/24 dev veth0
        in_prog ip link set veth0 up
    else
        NATIVE=''
        DEVICE=matnet0
        in_prog ip tuntap add dev matnet0 mode tap
        in_prog ip link set matnet0 txqueuelen 10000
        in_prog tc qdisc replace dev matnet0 root noqueue
    fi
    in_peer ip addr add $HOST_IP/24 dev $DEVICE
    in_peer ip link set $DEVICE up
    for pid in "$PROG_NS" "$PEER_NS"; do
        # Kernel defaults again, where the tests want others.
        nsenter --net="/proc/$pid/ns/net" -- sysctl -qw net.ipv4.tcp_early_retrans=3
        [ "$(nsenter --net="/proc/$pid/ns/net" -- sysctl -n net.ipv4.tcp_congestion_control)" = cubic ] ||
            problem "cubic cannot be chosen" || return
    done
}

# counters: frames and bytes that went from and to the program.
counters() { awk -v d="$DEVICE:" '$1 == d { print $2, $3, $10, $11 }' "/proc/$PEER_NS/net/dev"; }
counters_mark() { read -r FROM_BYTES FROM_FRAMES TO_BYTES TO_FRAMES < <(counters); }

# expect from|to LEAST-BYTES MOST-BYTES LEAST-FRAMES: what the device has carried since counters_mark.
expect() {
    local from_bytes from_frames to_bytes to_frames bytes frames
    read -r from_bytes from_frames to_bytes to_frames < <(counters)
    if [ "$1" = from ]; then
        bytes=$((from_bytes - FROM_BYTES)) frames=$((from_frames - FROM_FRAMES))
    else
        bytes=$((to_bytes - TO_BYTES)) frames=$((to_frames - TO_FRAMES))
    fi
    { [ "$bytes" -ge "$2" ] && [ "$bytes" -le "$3" ] && [ "$frames" -ge "$4" ]; } ||
        problem "the device carried $bytes bytes in $frames frames $1 the program; expected $2 to $3 in at least $4"
}

# busy: the hundredths of a second that the two cores have worked: user, nice, system, irq, softirq.
busy() {
    local name user nice system idle iowait irq softirq rest
    # shellcheck disable=SC2034  # what is skipped has a name
    while read -r name user nice system idle iowait irq softirq rest; do
        [ "$name" != cpu0 ] || BUSY0=$((user + nice + system + irq + softirq))
        [ "$name" != "cpu$OTHER" ] || BUSY1=$((user + nice + system + irq + softirq))
    done </proc/stat
}

# window COMMAND...: runs it, and measures the cores meanwhile.
window() {
    local busy0 busy1 begin status
    busy
    busy0=$BUSY0 busy1=$BUSY1 begin=${EPOCHREALTIME/./}
    "$@"
    status=$?
    SPENT=$((${EPOCHREALTIME/./} - begin))
    busy
    CPU0=$((BUSY0 - busy0)) CPU1=$((BUSY1 - busy1))
    return "$status"
}

declare -A FIGURES=()
# measure I COLUMN ROUND: one column of one workload; a line for each of its figures.
measure() {
    local what how figure key
    read -r -a how <<<"${MEASURED[$1]}"
    VALUE='' OPS=0 NOTE='' PROBLEM='' CPU0=0 CPU1=0 SPENT=0 FIGURES=()
    if column "$2" && "measure_${how[0]}" "${how[@]:1}"; then
        FIGURES[value]=$VALUE
    elif [ -z "$PROBLEM" ]; then
        PROBLEM="it ended without a reason"
    fi
    if [ -n "$PROBLEM" ]; then
        TOPOLOGY=''
        not_ok "$2, ${TITLE[$1]}: $PROBLEM"
    fi
    for figure in ${FIGURE[$1]}; do
        key=${figure#*:}
        what="$3	$2	${figure%%:*}"
        if [ -n "$PROBLEM" ] || [ -z "${FIGURES[$key]:-}" ]; then
            printf '%s\tfailed\t%s\n' "$what" "${PROBLEM:-no figure}"
        elif [ "$key" = value ]; then
            awk -v w="$what" -v v="$VALUE" -v o="$OPS" -v a=$CPU0 -v b=$CPU1 -v s=$SPENT -v n="$NOTE" \
                'BEGIN { printf "%s\t%s\t%s\t%.2f\t%.2f\t%.3f\t%s\n", w, v, o, a / 100, b / 100, s / 1e6, n }'
        else
            printf '%s\t%s\t0\t0\t0\t0\t\n' "$what" "${FIGURES[$key]}"
        fi
    done >>"$WORK/results"
}

: >"$WORK/results"
for ((round = 1; round <= ROUNDS; round++)); do
    for i in "${!MEASURED[@]}"; do
        [ -n "${FIGURE[i]}" ] || continue
        for side in kernel library; do measure "$i" $side $round; done
    done
    echo "# round $round of $ROUNDS, $SECONDS s" >&2
done
NATIVE=''
BENCH_MODE=$MODE BENCH_ROUNDS=$ROUNDS "$PYTHON" "$BENCHES/report.py" "$WORK/table" "$WORK/results" "$JSON" ${README:+"$ROOT/README.md"} ||
    not_ok "no report"
echo
note "results in $JSON"
finish
