#!/usr/bin/env bash
# Runs each case on the kernel and under the library, and compares what they print.
#
#   tests/conformance/run.sh [-v] [FILE | FILE:CASE | CASE]...      (as root)
#
# A file is about one call or topic and holds several CASE(name); each case is a process of its own. The kernel's turn:
# the program in one namespace, the peer in another, a veth between them. The library's turn: the same program in a
# namespace without any address of that network; its TAP and one end of a veth are on a bridge, the peer is the kernel at
# the other end. Both turns of a case run at the same time, and several lanes of such namespaces side by side
# (CONFORMANCE_LANES, default 4), since most cases only wait.
#
# A line that must differ is named in the file itself: "differs: CASE: REGEX: reason" (a comment; no colon in the regex).
# It is left out on both sides; one that hides nothing any more fails. A case whose name begins with exit_ is followed by
# the question to the peer how its last connection ended. MATNET_SO names the library (default: that of target/release).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
so=${MATNET_SO:-$root/target/release/libmatnet.so}
limit=${CONFORMANCE_TIMEOUT:-60}
lanes=${CONFORMANCE_LANES:-4}
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
background=() # the peers
workers=()
cleanup() {
    local status=$? lane ns
    trap - EXIT INT TERM
    for p in "${background[@]}" "${workers[@]}"; do
        kill "$p" 2>/dev/null || true
    done
    for lane in $(seq "$lanes"); do
        for ns in kp kq lp lq; do
            ip netns del "$tag$lane$ns" 2>/dev/null || true
        done
    done
    if [ "$status" = 0 ]; then
        # What a case left running may still write there; that is no failure.
        rm -rf "$work" || true
    else
        echo "conformance: outputs are in $work" >&2
    fi
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# What to run: "FILE CASE" a line.
compile() { cc -O1 -Wall -Wextra -Wno-unused-function -pthread -o "$work/$1" "$here/$1.c"; }
compile peer
all=$work/all
for f in "$here"/*.c; do
    f=$(basename "$f" .c)
    [ "$f" != peer ] || continue
    if [ $# -gt 0 ]; then
        # Compiled only where it is asked for: by its name, or as the holder of a case.
        wanted=''
        for w in "$@"; do
            [ "$f" != "${w%%:*}" ] && ! grep -q "^CASE(${w#*:})" "$here/$f.c" || wanted=1
        done
        [ -n "$wanted" ] || continue
    fi
    compile "$f"
    "$work/$f" --list | sed "s/^/$f /" >>"$all"
done
[ -s "$all" ] || die "there is no such case: $*"
twice=$(awk '{ print $2 }' "$all" | sort | uniq -d)
[ -z "$twice" ] || die "two cases of one name: $twice"
chosen=$work/chosen
if [ $# -eq 0 ]; then
    cp "$all" "$chosen"
else
    for w in "$@"; do
        awk -v w="$w" '$1 == w || $2 == w || $1 ":" $2 == w' "$all"
    done >"$chosen"
fi
[ -s "$chosen" ] || die "there is no such case: $*"
count=$(wc -l <"$chosen")
[ "$lanes" -le "$count" ] || lanes=$count

# kp, kq: program and peer of the kernel's turn; lp, lq: of the library's.
make_lane() {
    local t=$tag$1 ns
    for ns in kp kq lp lq; do
        ip netns add "$t$ns"
        ip -n "$t$ns" link set lo up
    done
    ip -n "${t}kp" link add veth0 type veth peer name veth0 netns "${t}kq"
    ip -n "${t}lp" link add veth0 type veth peer name veth0 netns "${t}lq"
    ip netns exec "${t}lp" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null || true
    # The kernel's ::1 is the program's loopback in both turns.
    ip netns exec "${t}lp" sh -c 'echo 0 >/proc/sys/net/ipv6/conf/lo/disable_ipv6' 2>/dev/null || true
    for ns in kp kq lp lq; do
        ip -n "$t$ns" link set veth0 up
    done
    ip -n "${t}kp" addr add "$own/24" brd + dev veth0
    ip -n "${t}kq" addr add "$peer/24" brd + dev veth0
    ip -n "${t}kp" route add default via "$peer"
    ip -n "${t}lq" addr add "$peer/24" brd + dev veth0
    ip -n "${t}lp" link add br0 type bridge forward_delay 0
    ip -n "${t}lp" link set br0 up
    ip -n "${t}lp" link set veth0 master br0
    ip -n "${t}lp" tuntap add dev matnet0 mode tap
    ip -n "${t}lp" link set matnet0 master br0 up
    # Fast Open on both sides; the library needs no leave for it.
    for ns in kp kq lq; do ip netns exec "$t$ns" sh -c 'echo 3 >/proc/sys/net/ipv4/tcp_fastopen'; done
    for ns in kq lq; do
        # Every refused datagram is told, not one a second and host.
        ip netns exec "$t$ns" sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
        ip netns exec "$t$ns" "$work/peer" &
        background+=($!)
    done
    for ns in kq lq; do
        for _ in $(seq 50); do
            ip netns exec "$t$ns" timeout 1 bash -c "exec 3<>/dev/tcp/$peer/7001" 2>/dev/null && break
            sleep 0.1
        done
    done
}
for lane in $(seq "$lanes"); do make_lane "$lane"; done

# One case, both turns: FILE CASE LANE. Leaves NAME.kernel, NAME.library, their .err, and NAME.result.
run_case() {
    local f=$1 c=$2 t=$tag$3 at=$work/$1.$2 status=0 kstatus=0 kernel turn ns said
    ip netns exec "${t}kp" timeout -k 5 "$limit" "$work/$f" "$own" "$peer" "$c" >"$at.kernel" 2>"$at.kernel.err" &
    kernel=$!
    ip netns exec "${t}lp" timeout -k 5 "$limit" env -u MATNET_SO LD_PRELOAD="$so" MATNET_ADDR="$own/24" \
        "$work/$f" "$own" "$peer" "$c" >"$at.library" 2>"$at.library.err" || status=$?
    wait "$kernel" || kstatus=$?
    # Bytes that leave after the program's end are for the peer to tell.
    if [ "${c#exit_}" != "$c" ]; then
        sleep 0.2
        for turn in kernel library; do
            ns=kq
            [ "$turn" = kernel ] || ns=lq
            said=$(ip netns exec "$t$ns" timeout 10 bash -c "exec 3<>/dev/tcp/$peer/7008; cat <&3" || true)
            echo "after exit: peer saw $said" >>"$at.$turn"
        done
    fi
    echo "status $kstatus" >>"$at.kernel"
    echo "status $status" >>"$at.library"
}

# The reasons of a case, as "REGEX<tab>REASON".
reasons() { sed -nE "s/^.*differs: $2: ([^:]*): *([^*]*[^ *]).*\$/\1\t\2/p" "$here/$1.c"; }

# Compares; prints what is wrong and returns 1.
judge() {
    local f=$1 c=$2 at=$work/$1.$2 wrong=0 regex why
    cp "$at.kernel" "$at.kernel.cmp"
    cp "$at.library" "$at.library.cmp"
    while IFS=$'\t' read -r regex why; do
        [ -n "$regex" ] || continue
        if [ -z "$why" ]; then
            echo "$f:$c: no reason is given for the difference in /$regex/"
            wrong=1
        fi
        if diff <(grep -E -- "$regex" "$at.kernel" || true) <(grep -E -- "$regex" "$at.library" || true) >/dev/null; then
            echo "$f:$c: /$regex/ is listed as a difference ($why) and does not differ: remove it"
            wrong=1
        fi
        grep -Ev -- "$regex" "$at.kernel.cmp" >"$at.tmp" || true
        mv "$at.tmp" "$at.kernel.cmp"
        grep -Ev -- "$regex" "$at.library.cmp" >"$at.tmp" || true
        mv "$at.tmp" "$at.library.cmp"
        echo "$f:$c: $why" >>"$work/differences"
    done < <(reasons "$f" "$c")
    if ! diff --label kernel --label library -U1 "$at.kernel.cmp" "$at.library.cmp" >"$at.diff"; then
        echo "$f:$c differs:"
        cat "$at.diff"
        wrong=1
    fi
    if ! grep -qx 'status 0' "$at.kernel"; then
        echo "$f:$c: $(tail -n 1 "$at.kernel") on the kernel itself"
        wrong=1
    fi
    if [ "$(wc -l <"$at.kernel")" -lt 2 ]; then
        echo "$f:$c: prints nothing"
        wrong=1
    fi
    if [ -s "$at.library.err" ] && ! diff "$at.kernel.err" "$at.library.err" >/dev/null; then
        echo "$f:$c: stderr under the library:"
        head -n 20 "$at.library.err"
        wrong=1
    fi
    return $wrong
}

ulimit -n 1024
for lane in $(seq "$lanes"); do
    (
        trap - EXIT
        trap 'exit 130' INT TERM
        awk -v n="$lanes" -v l="$lane" 'NR % n == l % n' "$chosen" | while read -r f c; do
            run_case "$f" "$c" "$lane" </dev/null
        done
    ) &
    workers+=($!)
done
for w in "${workers[@]}"; do wait "$w" || true; done
workers=()

lines=0 differing=0
failed=()
while read -r f; do
    good=0 n=0
    while read -r c; do
        n=$((n + 1))
        if [ -e "$work/$f.$c.library" ] && judge "$f" "$c"; then
            good=$((good + 1))
        else
            failed+=("$f:$c")
            differing=$((differing + 1))
        fi
        lines=$((lines + $(wc -l <"$work/$f.$c.kernel")))
        [ "$verbose" = 0 ] || sed 's/^/    /' "$work/$f.$c.library"
    done < <(awk -v f="$f" '$1 == f { print $2 }' "$chosen")
    printf '%-20s %3d of %3d cases\n' "$f" "$good" "$n"
done < <(awk '{ print $1 }' "$chosen" | sort -u)
if [ -s "$work/differences" ]; then
    echo "listed differences:"
    sed 's/^/  /' "$work/differences"
fi
echo "conformance: $count cases, $lines lines, $differing cases differ${failed[*]:+: ${failed[*]}}"
[ ${#failed[@]} = 0 ]
