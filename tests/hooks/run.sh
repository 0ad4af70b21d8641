#!/usr/bin/env bash
# The hooks themselves: each program of this directory runs on the kernel and under the library, in a network namespace of
# its own, and must print the same. Needs root (or a user namespace) and /dev/net/tun.
#
# usage: tests/hooks/run.sh [LIBRARY [TEST...]]      (target/release/libmatnet.so, all)
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
library=$(realpath "${1:-${CARGO_TARGET_DIR:-$here/../../target}/release/libmatnet.so}")
shift $(($# > 0))
[ -r "$library" ] || { echo "run.sh: no $library: cargo build --release makes it" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
failed=0

# run NAME PRELOAD COMMAND...: in a fresh namespace with its loopback up; output in $dir/NAME.
run() {
    local name=$1 preload=$2
    shift 2
    # shellcheck disable=SC2016  # expanded by the inner shell
    timeout -k 5 120 unshare --map-root-user --net bash -c '
        ip link set lo up 2>/dev/null
        # No chatter of IPv6: what the stack does must not depend on somebody else waking it.
        for c in all default; do echo 1 >/proc/sys/net/ipv6/conf/$c/disable_ipv6; done 2>/dev/null
        preload=$1
        shift
        # The address that programs have under the library.
        [ -n "$preload" ] || ip addr add 10.88.45.2/32 dev lo
        LD_PRELOAD=$preload exec "$@"' - "$preload" "$@" >"$dir/$name" 2>"$dir/$name.err" </dev/null
}

# compare NAME [PRELOADED-BEFORE [ARGUMENT]]
compare() {
    local name=$1 before=${2:-} argument=${3:-} code
    run "$name.kernel" "" "$dir/bin/$name"
    code=$?
    if [ $code -ne 0 ]; then
        echo "FAILED $name on the kernel itself ($code)"
        cat "$dir/$name.kernel.err"
        failed=1
    fi
    run "$name.library" "${before:+$before:}$library" "$dir/bin/$name" ${argument:+"$argument"}
    code=$?
    [ -n "$argument" ] && cp "$dir/$name.library" "$dir/$name.kernel"
    : >"$dir/diff"
    if [ $code -ne 0 ] || ! diff "$dir/$name.kernel" "$dir/$name.library" >"$dir/diff"; then
        echo "FAILED $name under the library ($code; 124: it hung)"
        cat "$dir/diff" "$dir/$name.library.err"
        failed=1
    else
        echo "ok $name${before:+, after $(basename "$before")}"
    fi
}

mkdir "$dir/bin"
tests=("$@")
[ $# -gt 0 ] || tests=(slots streams signals sysnum fortify process threads limits names renamed early defer cancel waits)
for t in "${tests[@]}"; do
    flags=(-O1 -g -Wall -Wextra -Wno-deprecated-declarations -Wno-restrict)
    [ "$t" = fortify ] && flags=(-O2 -Wall -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
    if [ "$t" = early ]; then
        cc "${flags[@]}" -shared -fPIC -o "$dir/bin/libearly.so" "$here/early.c" || exit 2
        cc -O1 -o "$dir/bin/threads" "$here/threads.c" -pthread || exit 2
        compare threads "$dir/bin/libearly.so"
        continue
    fi
    if [ "$t" = renamed ]; then
        # The library is hooked whatever its file is called.
        cc -O1 -o "$dir/bin/names" "$here/names.c" || exit 2
        cp "$library" "$dir/bin/copy-0.1.so" || exit 2
        ln -s copy-0.1.so "$dir/bin/link" || exit 2
        for file in copy-0.1.so link; do
            echo "# as $file"
            (library=$dir/bin/$file && compare names "" library && exit $failed) || failed=1
        done
        continue
    fi
    cc "${flags[@]}" -o "$dir/bin/$t" "$here/$t.c" -pthread || exit 2
    case $t in
    sysnum | names) compare "$t" "" library ;;
    *) compare "$t" ;;
    esac
done
exit $failed
