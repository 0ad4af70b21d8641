#!/usr/bin/env bash
# Soak of threads, signals and descriptors: tests/soak/threads.c under the library, in a network namespace of its own, against a
# kernel echo server there. Bounded; needs root (or a user namespace) and /dev/net/tun.
#
# usage: scripts/soak.sh [--smoke] [--native] [LIBRARY]      20 s with --smoke, else DURATION (600); SEED, THREADS
#        --native: on the kernel's own stack, a check of the test itself
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
seconds=${DURATION:-600}
native=''
while [[ ${1:-} == --* ]]; do
    case $1 in
    --smoke) seconds=20 ;;
    --native) native=1 ;;
    *) echo "soak.sh: no option $1" >&2; exit 2 ;;
    esac
    shift
done
library=$(realpath "${1:-${CARGO_TARGET_DIR:-target}/release/libmatnet.so}")
own=10.88.45.2 other=10.88.45.1
[ -n "$native" ] && library='' own=127.0.0.1 other=127.0.0.1
[ -z "$library" ] || [ -r "$library" ] || { echo "soak.sh: no $library: cargo build --release makes it" >&2; exit 2; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/matnet-soak.XXXXXX")
trap 'rm -r "$dir"' EXIT
cc -O1 -g -Wall -Wextra -o "$dir/threads" tests/soak/threads.c -pthread || exit 2
# shellcheck disable=SC2016  # expanded by the inner shell
timeout -k 5 $((seconds + 90)) unshare --map-root-user --net bash -c '
    ip link set lo up
    ulimit -Sn 1024 # numbers of the program end there, those of the library begin
    "$1/threads" echo 7007 &
    server=$!
    trap "kill $server" EXIT
    sleep 0.3
    LD_PRELOAD=$2 "$1/threads" run "$3" "$4" 7007 "$5" "$6" "$7"
' - "$dir" "$library" "$own" "$other" "$seconds" "${THREADS:-32}" "${SEED:-1}" </dev/null
status=$?
[ $status -eq 0 ] && echo "ok - soak of $seconds s" || echo "not ok - soak ($status; 124: it hung)"
exit $status
