#!/usr/bin/env bash
# Installs what the tests need and what is missing (Debian and Ubuntu, as root). Silent when nothing is. As another user:
# says what is missing and how to install it. Services that come with a package are not started.
set -euo pipefail

# program:package
tools=(
    cc:gcc c++:g++ make:make pkg-config:pkgconf
    ip:iproute2 ss:iproute2 nft:nftables sysctl:procps unshare:util-linux nsenter:util-linux setpriv:util-linux
    taskset:util-linux setcap:libcap2-bin ping:iputils-ping
    curl:curl wget:wget nc:netcat-openbsd socat:socat python3:python3 nginx:nginx-light wrk:wrk
    redis-server:redis-server redis-cli:redis-tools redis-benchmark:redis-tools iperf3:iperf3 dig:bind9-dnsutils dnsmasq:dnsmasq-base
    tshark:tshark jq:jq strace:strace awk:mawk shellcheck:shellcheck xz:xz-utils bc:bc
)

missing=()
packages=()
for entry in "${tools[@]}"; do
    if ! PATH=$PATH:/usr/sbin:/sbin command -v "${entry%%:*}" >/dev/null; then
        missing+=("${entry%%:*}")
        packages+=("${entry#*:}")
    fi
done
# The C library's headers come in a package of their own.
if [ ! -e /usr/include/stdio.h ]; then
    missing+=("stdio.h")
    packages+=(libc6-dev)
fi

if [ ${#packages[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "setup.sh: missing: ${missing[*]}; install them with this system's package manager" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "setup.sh: missing: ${missing[*]}; run as root: apt-get install ${packages[*]}" >&2
        exit 1
    fi
    echo "setup.sh: installing ${packages[*]}"
    log=$(mktemp)
    policy=/usr/sbin/policy-rc.d
    clean() {
        rm -f "$log"
        [ -z "${placed:-}" ] || rm -f "$policy"
    }
    trap clean EXIT
    trap 'exit 1' INT TERM HUP
    if [ ! -e $policy ]; then
        # Tells the packages' scripts not to start what they install.
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        placed=1
    fi
    export DEBIAN_FRONTEND=noninteractive
    install() { apt-get install -y -q --no-install-recommends "${packages[@]}" >>"$log" 2>&1; }
    if ! { apt-get update -q >"$log" 2>&1 && install; } && ! install; then
        tail -n 20 "$log" >&2
        exit 1
    fi
fi

# What the kernel brings as modules on some systems.
if [ "$(id -u)" = 0 ] && command -v modprobe >/dev/null; then
    for module in tun veth bridge dummy nf_tables; do
        modprobe -q $module 2>/dev/null || true
    done
fi
if [ ! -e /dev/net/tun ]; then
    echo "setup.sh: there is no /dev/net/tun: the kernel needs CONFIG_TUN (modprobe tun; in a container: --device /dev/net/tun)" >&2
    exit 1
fi

if ! command -v cargo >/dev/null; then
    echo "setup.sh: cargo is not in PATH: install Rust 1.88 or newer" >&2
    exit 1
fi
for component in fmt:rustfmt clippy:clippy; do
    if ! cargo "${component%%:*}" --version >/dev/null 2>&1; then
        if command -v rustup >/dev/null; then
            rustup -q component add "${component#*:}"
        else
            echo "setup.sh: cargo ${component%%:*} is missing: install ${component#*:}" >&2
            exit 1
        fi
    fi
done
