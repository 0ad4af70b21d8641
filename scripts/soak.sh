#!/usr/bin/env bash
# Soak of threads, signals and descriptors: tests/soak/threads.c under the library, in a network namespace of its own, against a
# kernel echo server there. Bounded; needs root (or a user namespace) and /dev/net/tun.
#
# usage: scripts/soak.sh [--smoke] [--native | --tsan] [LIBRARY]      20 s with --smoke, else DURATION (600); SEED, THREADS (64)
#        --native: on the kernel's own stack, a check of the test itself
#        --tsan:   library, test and std built with ThreadSanitizer (needs the nightly toolchain with rust-src, and g++), linked
#                  statically: the sanitizer and the hooks would both interpose libc. Any report fails.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
seconds=${DURATION:-600}
native=''
tsan=''
while [[ ${1:-} == --* ]]; do
    case $1 in
    --smoke) seconds=20 ;;
    --native) native=1 ;;
    --tsan) tsan=1 ;;
    *) echo "soak.sh: no option $1" >&2; exit 2 ;;
    esac
    shift
done
target=${CARGO_TARGET_DIR:-target}
library=
own=10.88.45.2 other=10.88.45.1
[ -n "$native" ] && own=127.0.0.1 other=127.0.0.1
[ -n "$native$tsan" ] || library=$(realpath "${1:-$target/release/libmatnet.so}")
[ -n "$native$tsan" ] || [ -r "$library" ] || { echo "soak.sh: no library: cargo build --release makes it" >&2; exit 2; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/matnet-soak.XXXXXX")
trap 'rm -r "$dir"' EXIT
cc -O1 -g -Wall -Wextra -o "$dir/threads" tests/soak/threads.c -pthread || exit 2
cp "$dir/threads" "$dir/run" # the echo server stays as it is
if [ -n "$tsan" ]; then
    triple=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p')
    runtime=$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/$triple/lib/librustc-nightly_rt.tsan.a
    if [ -z "$triple" ] || [ ! -r "$runtime" ]; then
        echo "soak.sh: --tsan needs the nightly toolchain: rustup toolchain install nightly --component rust-src" >&2
        exit 2
    fi
    RUSTFLAGS='-Zsanitizer=thread' CARGO_TARGET_DIR=$target/tsan CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=1 \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        cargo +nightly build --quiet --release -Zbuild-std --target "$triple" -p matnet-static || exit 2
    cc -O1 -g -Wall -Wextra -fsanitize=thread -D_GNU_SOURCE -DSOAK_LINKED -c -o "$dir/run.o" tests/soak/threads.c &&
        c++ -o "$dir/run" "$dir/run.o" -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive \
            "$target/tsan/$triple/release/libmatnet.a" -pthread -ldl -lm -lrt || exit 2
fi
# shellcheck disable=SC2016  # expanded by the inner shell
timeout -k 5 $((seconds + 90)) unshare --map-root-user --net bash -c '
    ip link set lo up
    ulimit -Sn 1024 # numbers of the program end there, those of the library begin
    "$1/threads" echo 7007 &
    server=$!
    trap "kill $server" EXIT
    sleep 0.3
    [ -z "$2" ] || export LD_PRELOAD=$2
    TSAN_OPTIONS="exitcode=66 history_size=4" "$1/run" run "$3" "$4" 7007 "$5" "$6" "$7"
' - "$dir" "$library" "$own" "$other" "$seconds" "${THREADS:-64}" "${SEED:-1}" </dev/null
status=$?
[ $status -eq 0 ] && echo "ok - soak of $seconds s" || echo "not ok - soak ($status; 124: it hung; 66: the sanitizer's report)"
exit $status
