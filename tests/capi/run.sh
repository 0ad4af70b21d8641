#!/bin/bash
# The C API from the outside: examples/*.c and api.c, compiled against the header by way of the installed pkg-config file, linked with
# the shared and with the static library, each also under AddressSanitizer, over a TAP against peers of the kernel.
#
# Root, or a user who may make user namespaces. Everything happens in a network namespace of its own, which takes its
# devices along when it ends.
#
# Compiler flags are lists of words here, on purpose:
# shellcheck disable=SC2046,SC2054,SC2086,SC2207
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ "${1-}" != inside ]; then
    cd "$root"
    cargo build --release --quiet
    if [ "$(id -u)" = 0 ]; then
        exec unshare --net -- "$here/run.sh" inside
    fi
    exec unshare --net --map-root-user -- "$here/run.sh" inside
fi

tmp=$(mktemp -d "${TMPDIR:-/tmp}/matnet-capi.$$.XXXXXX")
tap=mc$$
own=10.88.45.2
host=10.88.45.1
peers=()
step=start
finish() {
    status=$?
    trap - EXIT
    for pid in "${peers[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    if [ $status != 0 ]; then
        echo "FAILED: $step" >&2
        tail -n 20 "$tmp"/*.log >&2 2>/dev/null || true
    fi
    rm -rf "$tmp"
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

ip link set lo up
export MATNET_TAP=$tap
unset LD_PRELOAD MATNET_ADDR MATNET_GATEWAY MATNET_CONFIG MATNET_HOOK

step() {
    step=$*
    echo "capi: $*"
}

# peer NAME ARGS: starts a peer of the kernel and waits until it listens.
peer() {
    local log=$tmp/peer-$1.log
    timeout 120 python3 "$here/peer.py" "${@:2}" >"$log" 2>&1 &
    peers+=($!)
    listening "$log"
}

# Waits for the line `listening` of a server.
listening() {
    for _ in $(seq 500); do
        if grep -qs '^listening$' "$1"; then
            return
        fi
        sleep 0.02
    done
    echo "no server in $1" >&2
    return 1
}

# Waits for the newest background process; its status is the step's.
last_peer() {
    wait "${peers[-1]}"
    unset 'peers[-1]'
}

step "install into an empty prefix"
PREFIX=$tmp/prefix "$root/scripts/install.sh" >/dev/null
export PKG_CONFIG_PATH=$tmp/prefix/lib/pkgconfig
lib=$tmp/prefix/lib
[ "$(readlink "$lib/libmatnet.so.0")" = libmatnet.so ]
readelf -d "$lib/libmatnet.so" | grep >/dev/null 'SONAME.*\[libmatnet.so.0\]'
[ -x "$tmp/prefix/bin/matnet" ]

step "versions agree: header, pkg-config, Cargo"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml" | head -1)
[ "$(pkg-config --modversion matnet)" = "$version" ]
grep -q "^#define MATNET_VERSION \"$version\"$" "$root/include/matnet.h"

step "every function of the header is exported, and of libc's only by the shared library"
grep -o 'matnet_[a-z0-9_]*(' "$root/include/matnet.h" | tr -d '(' | sort -u >"$tmp/declared"
nm -D --defined-only "$lib/libmatnet.so" | awk '{print $3}' | sort >"$tmp/dynamic"
nm -g --defined-only "$lib/libmatnet.a" 2>/dev/null | awk 'NF == 3 {print $3}' | sort >"$tmp/static"
for list in dynamic static; do
    missing=$(comm -23 "$tmp/declared" "$tmp/$list")
    if [ -n "$missing" ]; then
        echo "not in the $list library:" $missing >&2
        exit 1
    fi
done
grep -qx close "$tmp/dynamic"
for name in socket connect close read write poll select fcntl ioctl syscall epoll_ctl fork _exit; do
    if grep -qx "$name" "$tmp/static"; then
        echo "libmatnet.a defines $name" >&2
        exit 1
    fi
done

step "the header is C and C++"
flags="-Wall -Wextra -Wpedantic -Werror"
for std in gnu99 gnu11 gnu17; do
    echo '#include <matnet.h>
struct matnet_config config = MATNET_CONFIG_INIT;
struct matnet_stats stats = MATNET_STATS_INIT;
int main(void) { return matnet_version() == 0; }' |
        cc -std=$std $flags $(pkg-config --cflags matnet) -x c -c -o /dev/null -
done
for std in c++11 c++20; do
    c++ -std=$std $flags $(pkg-config --cflags matnet) -c -o "$tmp/include.o" "$here/include.cc"
done
c++ -o "$tmp/include" "$tmp/include.o" $(pkg-config --libs matnet)
# libmatnet.so.0, the soname, is what the loader looks for.
LD_LIBRARY_PATH=$lib "$tmp/include"

step "what the static library needs is what matnet.pc says"
echo '#![crate_type = "staticlib"]' >"$tmp/empty.rs"
needs=$(rustc --print native-static-libs -o "$tmp/empty.a" "$tmp/empty.rs" 2>&1 | sed -n 's/.*native-static-libs: //p')
for flag in $needs; do
    case " $(pkg-config --static --libs matnet) " in
    *" $flag "*) ;;
    *)
        echo "matnet.pc lacks $flag" >&2
        exit 1
        ;;
    esac
done

head -c 33554432 /dev/urandom >"$tmp/big"
head -c 1048577 /dev/urandom >"$tmp/small"
big=$(sha256sum <"$tmp/big" | cut -d' ' -f1)
sink=$(head -c 4194304 /dev/zero | tr '\0' x | sha256sum | cut -d' ' -f1)

for kind in shared static shared-asan static-asan; do
    out=$tmp/out-$kind
    mkdir "$out"
    make=(make -s -C "$root/examples" "OUT=$out" "CFLAGS=-O1 -g -Wall -Wextra -Wpedantic -Werror")
    api=(cc -std=gnu99 -O1 -g -Wall -Wextra -Werror $(pkg-config --cflags matnet) -o "$out/api" "$here/api.c")
    case $kind in
    *-asan)
        make+=("LDFLAGS=-fsanitize=address,undefined" "CC=cc -fsanitize=address,undefined -fno-sanitize-recover=all")
        api+=(-fsanitize=address,undefined -fno-sanitize-recover=all)
        ;;
    esac
    case $kind in
    static*)
        make+=(STATIC=1)
        api+=("$lib/libmatnet.a" $(pkg-config --static --libs-only-l matnet | sed 's/-lmatnet//'))
        ;;
    *) api+=(-DSHARED $(pkg-config --libs matnet) "-Wl,-rpath,$lib") ;;
    esac

    step "$kind: build"
    "${make[@]}"
    "${api[@]}"
    if ldd "$out/udp" | grep libmatnet >/dev/null; then linked=shared; else linked=static; fi
    [ "$linked" = "${kind%-asan}" ]

    step "$kind: tcp_client sends 32 MB and gets them back"
    peer "$kind-echo" tcp_echo 7001 $own 1
    timeout 60 "$out/tcp_client" $host 7001 <"$tmp/big" >"$tmp/back"
    [ "$(sha256sum <"$tmp/back" | cut -d' ' -f1)" = "$big" ]
    last_peer
    grep -qx "$big" "$tmp/peer-$kind-echo.log"

    step "$kind: tcp_echo_server serves the kernel's 32 MB, with options of its own"
    timeout 60 "$out/tcp_echo_server" -a 10.88.46.7/24 -t "$tap" 7002 2 >"$tmp/$kind-server.log" 2>&1 &
    peers+=($!)
    listening "$tmp/$kind-server.log"
    timeout 60 python3 "$here/peer.py" tcp_send 10.88.46.7 7002 "$tmp/big" 1
    timeout 60 python3 "$here/peer.py" tcp_send 10.88.46.7 7002 "$tmp/small" 1
    last_peer
    grep -qx '10.88.46.1: 33554432 bytes' "$tmp/$kind-server.log"

    step "$kind: poll_many serves 40 connections at once"
    timeout 60 "$out/poll_many" 7003 40 >"$tmp/$kind-many.log" 2>&1 &
    peers+=($!)
    listening "$tmp/$kind-many.log"
    timeout 60 python3 "$here/peer.py" tcp_send $own 7003 "$tmp/small" 40
    last_peer
    grep -q '^40 connections' "$tmp/$kind-many.log"

    step "$kind: udp both ways, up to the largest datagram"
    peer "$kind-udp" udp_echo 7004 $own 50
    timeout 60 "$out/udp" client $host 7004 50
    last_peer
    timeout 60 "$out/udp" server 7005 50 >"$tmp/$kind-udp.log" 2>&1 &
    peers+=($!)
    listening "$tmp/$kind-udp.log"
    timeout 60 python3 "$here/peer.py" udp_send $own 7005 "$tmp/small" 50
    last_peer

    step "$kind: every call"
    peer "$kind-api-udp" udp_echo 7007 $own 2
    peer "$kind-api-sink" tcp_sink 7008 $own
    peer "$kind-api-echo" tcp_echo 7006 $own 3
    timeout 60 "$out/api" "$tap" $own $host 7006 7007 7008 >"$tmp/$kind-api.log" 2>&1
    grep -q 'MATNET_ADDR: "10.88.45/24": expected an IPv4 address' "$tmp/$kind-api.log"
    # Returning from main with unsent bytes: the peer has them all, then the FIN.
    last_peer
    last_peer
    last_peer
    grep -qx "$sink" "$tmp/peer-$kind-api-sink.log"

    # What cannot work: the program gets an errno, a person gets one line.
    step "$kind: a bad option, no device"
    MATNET_ADDR=10.1.2.3/33 timeout 10 "$out/udp" server 7009 >"$tmp/$kind-bad.log" 2>&1 && exit 1
    grep -q 'MATNET_ADDR: "10.1.2.3/33": expected' "$tmp/$kind-bad.log"
    grep -q '^socket: Network is down$' "$tmp/$kind-bad.log"
    # shellcheck disable=SC2016
    unshare --mount sh -c 'mount -t tmpfs none /dev/net && exec timeout 10 "$0" server 7009' "$out/udp" \
        >"$tmp/$kind-none.log" 2>&1 && exit 1
    [ "$(grep -c '^matnet\[.*/dev/net/tun' "$tmp/$kind-none.log")" = 1 ]
    grep -q '^socket: Network is down$' "$tmp/$kind-none.log"
done

step "uninstall leaves nothing"
PREFIX=$tmp/prefix "$root/scripts/install.sh" --uninstall
[ -z "$(find "$tmp/prefix" ! -type d)" ]
step=
echo "capi: all passed"
