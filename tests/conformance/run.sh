#!/usr/bin/env bash
# Runs each case on the kernel and under the library, and compares what they print.
#
#   tests/conformance/run.sh [-v] [case ...]      (as root)
#
# The kernel's turn: the program in one namespace, the peer in another, a veth between them. The library's turn: the same
# program in a namespace without any address of that network; its TAP and one end of a veth are on a bridge, the peer
# is the kernel at the other end. MATNET_SO names the library (default target/release/libmatnet.so).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
so=${MATNET_SO:-$root/target/release/libmatnet.so}
limit=${CONFORMANCE_TIMEOUT:-60}
own=10.88.45.2
peer=10.88.45.1
tag=cf$$
verbose=0
if [ "${1:-}" = -v ]; then
    verbose=1
    shift
fi

die() {
    echo "conformance: $*" >&2
    exit 2
}
[ "$(id -u)" = 0 ] || die "needs root for network namespaces; try: sudo $0, or unshare -Urnm $0"
[ -e "$so" ] || die "$so is missing; run: cargo build --release"
[ -c /dev/net/tun ] || die "/dev/net/tun is missing; try: modprobe tun"
for tool in ip cc timeout diff; do
    command -v "$tool" >/dev/null || die "$tool is missing"
done

work=$(mktemp -d)
peers=()
cleanup() {
    local status=$?
    trap - EXIT INT TERM
    for p in "${peers[@]:-}"; do
        [ -z "$p" ] || kill "$p" 2>/dev/null || true
    done
    for ns in kp kq lp lq; do
        ip netns del "$tag$ns" 2>/dev/null || true
    done
    if [ "$status" = 0 ]; then
        rm -rf "$work"
    else
        echo "conformance: outputs are in $work" >&2
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# kp, kq: program and peer of the kernel's turn; lp, lq: of the library's.
for ns in kp kq lp lq; do
    ip netns add "$tag$ns"
    ip -n "$tag$ns" link set lo up
done
ip -n "${tag}kp" link add veth0 type veth peer name veth0 netns "${tag}kq"
ip -n "${tag}lp" link add veth0 type veth peer name veth0 netns "${tag}lq"
ip netns exec "${tag}lp" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null || true
for ns in kp kq lp lq; do
    ip -n "$tag$ns" link set veth0 up
done
ip -n "${tag}kp" addr add "$own/24" dev veth0
ip -n "${tag}kq" addr add "$peer/24" dev veth0
ip -n "${tag}kp" route add default via "$peer"
ip -n "${tag}lq" addr add "$peer/24" dev veth0
ip -n "${tag}lp" link add br0 type bridge forward_delay 0
ip -n "${tag}lp" link set br0 up
ip -n "${tag}lp" link set veth0 master br0
ip -n "${tag}lp" tuntap add dev matnet0 mode tap
ip -n "${tag}lp" link set matnet0 master br0 up

cc -O1 -Wall -Wextra -pthread -o "$work/peer" "$here/peer.c"
for ns in kq lq; do
    ip netns exec "$tag$ns" "$work/peer" &
    peers+=($!)
    for _ in $(seq 50); do
        ip netns exec "$tag$ns" timeout 1 bash -c "exec 3<>/dev/tcp/$peer/7001" 2>/dev/null && break
        sleep 0.1
    done
done

cases=("$@")
if [ ${#cases[@]} = 0 ]; then
    for f in "$here"/*.c; do
        f=$(basename "$f" .c)
        [ "$f" = peer ] || cases+=("$f")
    done
fi

ulimit -n 1024
total=0 differing=0 failed=()
for c in "${cases[@]}"; do
    cc -O1 -Wall -Wextra -pthread -o "$work/$c" "$here/$c.c"
    ip netns exec "${tag}kp" timeout -k 5 "$limit" "$work/$c" "$own" "$peer" >"$work/$c.kernel" 2>"$work/$c.kernel.err" &
    kernel=$!
    status=0
    ip netns exec "${tag}lp" timeout -k 5 "$limit" env -u MATNET_SO LD_PRELOAD="$so" MATNET_ADDR="$own/24" \
        "$work/$c" "$own" "$peer" >"$work/$c.library" 2>"$work/$c.library.err" || status=$?
    kstatus=0
    wait "$kernel" || kstatus=$?
    # Bytes that leave after the program's end are for the peer to tell.
    if [ "$c" = linger ]; then
        for turn in kernel library; do
            ns=kq
            [ "$turn" = kernel ] || ns=lq
            said=$(ip netns exec "$tag$ns" timeout 2 bash -c "exec 3<>/dev/tcp/$peer/7008; cat <&3" || true)
            echo "after exit: peer saw $said" >>"$work/$c.$turn"
        done
    fi
    echo "status $kstatus" >>"$work/$c.kernel"
    echo "status $status" >>"$work/$c.library"
    lines=$(wc -l <"$work/$c.kernel")
    wrong=0
    if ! diff --label kernel --label library -U1 "$work/$c.kernel" "$work/$c.library" >"$work/$c.diff"; then
        wrong=$(grep -c '^-[^-]' "$work/$c.diff" || true)
        [ "$wrong" -gt 0 ] || wrong=1
        failed+=("$c")
    fi
    total=$((total + lines))
    differing=$((differing + wrong))
    printf '%-12s %4d lines, %d differ\n' "$c" "$lines" "$wrong"
    [ "$wrong" = 0 ] || cat "$work/$c.diff"
    if [ "$kstatus" != 0 ]; then
        echo "$c: ended with status $kstatus on the kernel itself" && failed+=("$c")
    fi
    if [ -s "$work/$c.library.err" ]; then
        echo "stderr under the library:" && head -20 "$work/$c.library.err"
    fi
    [ "$verbose" = 0 ] || cat "$work/$c.library"
done
echo "conformance: $total lines in ${#cases[@]} cases, $differing differ"
[ ${#failed[@]} = 0 ]
