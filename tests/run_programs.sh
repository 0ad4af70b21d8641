#!/usr/bin/env bash
# Runs the program tests, all of them or those named (run_programs.sh curl nginx), one after the other.
# Also serves other directories of such tests: run_programs.sh --dir tests/bad_input.
# Prints one line per test; the logs and captures of a failed one are kept and named. -v shows everything.
# TEST_LOGS is the directory for them (default: a fresh one under TMPDIR).
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
directory=$root/tests/programs
verbose=''
names=()
while [ $# -gt 0 ]; do
    case $1 in
    -v | --verbose) verbose=1 ;;
    --dir)
        directory=$(cd "$2" && pwd) || exit 2
        shift
        ;;
    -h | --help)
        sed -n '2,5s/^# //p' "$0"
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
if [ ${#names[@]} -eq 0 ]; then
    for script in "$directory"/*.sh; do
        [ "$(basename "$script")" = lib.sh ] || names+=("$(basename "$script" .sh)")
    done
fi

logs=${TEST_LOGS:-$(mktemp -d "${TMPDIR:-/tmp}/matnet-logs.XXXXXX")}
# Some tests run programs as another user.
mkdir -p "$logs"
chmod 755 "$logs"
child=''
leave() {
    trap - INT TERM HUP
    [ -n "$child" ] && kill "$child" 2>/dev/null && wait "$child"
    [ -n "${TEST_LOGS:-}" ] || rm -rf "$logs"
    exit 130
}
trap leave INT TERM HUP

passed=0
skipped=0
failures=()
number=0
echo "1..${#names[@]}"
for name in "${names[@]}"; do
    number=$((number + 1))
    script=$directory/$name.sh
    if [ ! -f "$script" ]; then
        echo "not ok $number - $name: there is no $script"
        failures+=("$name")
        continue
    fi
    begin=${EPOCHREALTIME/./}
    mkdir -p "$logs/$name"
    output=$logs/$name/output
    # In the background, so that an interrupt reaches us while we wait.
    env -u TEST_BOUNDED TEST_WORK="$logs/$name" bash "$script" >"$output" 2>&1 </dev/null &
    child=$!
    wait "$child"
    status=$?
    child=''
    seconds=$(((${EPOCHREALTIME/./} - begin) / 100000))
    seconds=${seconds%?}.${seconds: -1}
    [ "${seconds#.}" = "$seconds" ] || seconds=0$seconds
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
        case $status in 124 | 137) reason=': it took too long and was ended' ;; *) reason='' ;; esac
        echo "not ok $number - $name ($checks checks passed, $seconds s)$reason"
        if [ -n "$verbose" ]; then
            sed 's/^/    /' "$output"
        else
            grep -E '^not ok|line [0-9]+:' "$output" | head -20 | sed 's/^/    /'
            tail -n 2 "$output" | sed 's/^/    # /'
        fi
        ;;
    esac
done
if [ ${#failures[@]} -gt 0 ]; then
    echo "# ${#failures[@]} failed: ${failures[*]}; $passed passed, $skipped skipped; logs in $logs"
    exit 1
fi
echo "# all $passed passed, $skipped skipped"
[ -n "${TEST_LOGS:-}" ] || rmdir "$logs" 2>/dev/null
exit 0
