# shellcheck shell=bash
# Helpers of the tests of bad input: each wants one clear line with the remedy on stderr, ENETDOWN from the program's
# internet sockets, a program that keeps control, and no hang.
# shellcheck source=../programs/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../programs/lib.sh"
library_only
PROBE=$ROOT/tests/bad_input/probe.py
EXPECT_LINES='.' # each test looks at the lines itself

# lines FILE: what the library printed there.
lines() { grep -aoE 'matnet\[[0-9]+\]: .*' "$1" || true; }

# probe COMMAND...: runs the probe with COMMAND... before it (env, unshare, setpriv); output in probe.out, stderr in
# probe.err.
probe() {
    rm -f "$WORK/probe.out" "$WORK/probe.err"
    timeout -k 5 30 nsenter --net="/proc/$PROG_NS/ns/net" -- env "LD_PRELOAD=$LIBRARY" "${OPTIONS[@]}" \
        "$@" "$PYTHON" "$PROBE" $HOST_IP 8000 >"$WORK/probe.out" 2>"$WORK/probe.err" </dev/null
    PROBE_STATUS=$?
}

# refused WHAT REGEX...: the probe was refused; its only line on stderr matches every REGEX.
refused() {
    local what=$1 regex
    shift
    check_equal "$what: the program ends in order" 0 "$PROBE_STATUS"
    check_equal "$what: TCP fails with" ENETDOWN "$(sed -n 's/^tcp [a-z]* //p' "$WORK/probe.out" | head -1)"
    check_equal "$what: UDP fails with" ENETDOWN "$(sed -n 's/^udp [a-z]* //p' "$WORK/probe.out")"
    check_equal "$what: TCP fails again with" ENETDOWN "$(sed -n 's/^tcp again [a-z]* //p' "$WORK/probe.out")"
    check_match "$what: the program keeps control" '^in control quick$' "$(cat "$WORK/probe.out")"
    check_equal "$what: lines printed" 1 "$(lines "$WORK/probe.err" | wc -l)"
    for regex in "$@"; do
        check_match "$what: the line says /$regex/" "$regex" "$(lines "$WORK/probe.err")"
    done
    note "$(lines "$WORK/probe.err" | head -3)"
}
