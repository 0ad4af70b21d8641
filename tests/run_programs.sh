#!/usr/bin/env bash
# Runs the program tests, all of them or those named (run_programs.sh curl nginx), two at a time (--jobs N for others).
# A test with a line "# alone: REASON" runs by itself, after the others: what counts or measures.
# Also serves other directories of such tests: run_programs.sh --dir tests/bad_input.
# Prints one line per test; the logs and captures of a failed one are kept and named. -v shows everything.
# TEST_LOGS is the directory for them (default: a fresh one under TMPDIR). MATNET_TEST_LONG=1 runs the long forms of the tests.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
directory=$root/tests/programs
verbose=''
jobs=2
names=()
while [ $# -gt 0 ]; do
    case $1 in
    -v | --verbose) verbose=1 ;;
    -j | --jobs | --dir)
        if [ $# -lt 2 ]; then
            echo "$0: $1 needs a value" >&2
            exit 2
        fi
        case $1 in
        --dir) directory=$(cd "$2" && pwd) || exit 2 ;;
        *) jobs=$2 ;;
        esac
        shift
        ;;
    -h | --help)
        sed -n '2,6s/^# //p' "$0"
        exit 0
        ;;
    -*)
        echo "$0: no option $1" >&2
        exit 2
        ;;
    *) names+=("$1") ;;
    esac
    shift
done
case $jobs in
'' | *[!0-9]* | 0)
    echo "$0: --jobs $jobs is no number of tests" >&2
    exit 2
    ;;
esac
if [ ${#names[@]} -eq 0 ]; then
    for script in "$directory"/*.sh; do
        [ "$(basename "$script")" = lib.sh ] || names+=("$(basename "$script" .sh)")
    done
fi

logs=${TEST_LOGS:-$(mktemp -d "${TMPDIR:-/tmp}/matnet-logs.XXXXXX")}
# Some tests run programs as another user.
mkdir -p "$logs"
chmod 755 "$logs"
declare -A running=() # name: pid
declare -A began=()
leave() {
    local pid
    trap - INT TERM HUP
    for pid in "${running[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${running[@]}"; do wait "$pid"; done
    [ -n "${TEST_LOGS:-}" ] || rm -rf "$logs"
    exit 130
}
trap leave INT TERM HUP

passed=0
skipped=0
failures=()
number=0

# start NAME: in the background, so that an interrupt reaches us while we wait. Its status goes to a file when it is over.
start() {
    local name=$1 script=$directory/$1.sh
    if [ ! -f "$script" ]; then
        number=$((number + 1))
        echo "not ok $number - $name: there is no $script"
        failures+=("$name")
        return
    fi
    began[$name]=${EPOCHREALTIME/./}
    mkdir -p "$logs/$name"
    rm -f "$logs/$name.status"
    (
        trap 'kill "$test" 2>/dev/null; wait "$test"; exit 130' INT TERM HUP
        env -u TEST_BOUNDED TEST_WORK="$logs/$name" bash "$script" >"$logs/$name/output" 2>&1 </dev/null &
        test=$!
        wait "$test"
        echo $? >"$logs/$name.status.new"
        mv "$logs/$name.status.new" "$logs/$name.status"
    ) &
    running[$name]=$!
}

# tell NAME STATUS: one line.
tell() {
    local name=$1 status=$2 seconds checks reason='' output=$logs/$1/output
    number=$((number + 1))
    seconds=$(((${EPOCHREALTIME/./} - began[$name]) / 100000))
    seconds=$((seconds / 10)).$((seconds % 10))
    checks=$(grep -c '^ok' "$output")
    case $status in
    0)
        passed=$((passed + 1))
        echo "ok $number - $name ($checks checks, $seconds s)"
        [ -z "$verbose" ] || sed 's/^/    /' "$output"
        rm -rf "${logs:?}/$name"
        ;;
    77)
        skipped=$((skipped + 1))
        echo "ok $number - $name # SKIP $(sed -n 's/.*# SKIP //p' "$output" | head -1)"
        rm -rf "${logs:?}/$name"
        ;;
    *)
        failures+=("$name")
        case $status in 124 | 137) reason=': it took too long and was ended' ;; esac
        echo "not ok $number - $name ($checks checks passed, $seconds s)$reason"
        if [ -n "$verbose" ]; then
            sed 's/^/    /' "$output"
        else
            grep -E '^not ok|line [0-9]+:' "$output" | head -20 | sed 's/^/    /'
            tail -n 2 "$output" | sed 's/^/    # /'
        fi
        ;;
    esac
}

# until_fewer MANY: waits until fewer than MANY tests run, and tells of those that are over.
until_fewer() {
    local name status
    while [ ${#running[@]} -ge "$1" ]; do
        wait -n
        for name in "${!running[@]}"; do
            if [ -e "$logs/$name.status" ]; then
                status=$(<"$logs/$name.status")
                rm -f "$logs/$name.status"
            elif kill -0 "${running[$name]}" 2>/dev/null; then
                continue
            else
                status=1
            fi
            wait "${running[$name]}" 2>/dev/null
            unset "running[$name]"
            tell "$name" "$status"
        done
    done
}

echo "1..${#names[@]}"
alone=()
for name in "${names[@]}"; do
    if grep -qs '^# alone: ' "$directory/$name.sh"; then
        alone+=("$name")
    else
        until_fewer "$jobs"
        start "$name"
    fi
done
until_fewer 1
for name in "${alone[@]}"; do
    start "$name"
    until_fewer 1
done
if [ ${#failures[@]} -gt 0 ]; then
    echo "# ${#failures[@]} failed: ${failures[*]}; $passed passed, $skipped skipped; logs in $logs"
    exit 1
fi
echo "# all $passed passed, $skipped skipped"
[ -n "${TEST_LOGS:-}" ] || rmdir "$logs" 2>/dev/null
exit 0
