#!/usr/bin/env bash
# Installs what the tests need and what is missing (Debian and Ubuntu, as root). Silent when nothing is. As another user:
# says what is missing and how to install it. Services that come with a package are not started.
set -euo pipefail

# program:package
tools=(
    cc:gcc c++:g++ make:make pkg-config:pkgconf
    ip:iproute2 ss:iproute2 nft:nftables sysctl:procps unshare:util-linux nsenter:util-linux setpriv:util-linux
    taskset:util-linux setcap:libcap2-bin ping:iputils-ping tracepath:iputils-tracepath traceroute:traceroute
    mtr-packet:mtr-tiny hping3:hping3 bridge:iproute2 ethtool:ethtool
    curl:curl wget:wget nc:netcat-openbsd socat:socat python3:python3 nginx:nginx-light wrk:wrk
    redis-server:redis-server redis-cli:redis-tools redis-benchmark:redis-tools iperf3:iperf3 dig:bind9-dnsutils dnsmasq:dnsmasq-base
    ssh:openssh-client sshd:openssh-server rsync:rsync git:git openssl:openssl
    lftp:lftp tnftp:tnftp atftp:atftp atftpd:atftpd tftp:tftp-hpa inetutils-telnet:inetutils-telnet busybox:busybox
    ncat:ncat nc.traditional:netcat-traditional sockperf:sockperf
    haproxy:haproxy apache2:apache2-bin nghttp:nghttp2-client h2load:nghttp2-client nghttpd:nghttp2-server
    memcached:memcached mosquitto:mosquitto mosquitto_pub:mosquitto-clients psql:postgresql
    node:nodejs java:default-jre-headless perl:perl ruby:ruby
    tshark:tshark jq:jq strace:strace awk:mawk shellcheck:shellcheck
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

# CPython's own tests too (tests/programs/python_testsuite.sh).
if [ -x /usr/bin/python3 ] && ! /usr/bin/python3 -c 'import test.test_socket' 2>/dev/null; then
    missing+=("Python's tests")
    packages+=("lib$(/usr/bin/python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')-testsuite")
fi

# A module of Python and a server that is not in PATH.
if ! /usr/bin/python3 -c 'import pyftpdlib' 2>/dev/null; then
    missing+=("pyftpdlib")
    packages+=(python3-pyftpdlib)
fi
if ! compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null; then
    missing+=("postgres")
    packages+=(postgresql)
fi
chronyd=''
if ! PATH=$PATH:/usr/local/sbin:/usr/sbin command -v chronyd >/dev/null; then
    missing+=("chronyd")
    chronyd=missing
fi

if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        echo "setup.sh: missing: ${missing[*]}; install them with this system's package manager" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "setup.sh: missing: ${missing[*]}; run this script as root, or: apt-get install ${packages[*]}${chronyd:+ chrony}" >&2
        exit 1
    fi
    echo "setup.sh: installing ${packages[*]} ${chronyd:+(only the program of) chrony}"
    log=$(mktemp)
    scratch=$(mktemp -d)
    policy=/usr/sbin/policy-rc.d
    clean() {
        rm -rf "$log" "$scratch"
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
    install() { apt-get install -y -q --no-install-recommends "$@" >>"$log" 2>&1; }
    # The package chrony would take the place of the system's time service: only its program is wanted, and the libraries of that.
    take_chronyd() {
        local libraries
        mapfile -t libraries < <(apt-cache depends chrony | awk '$1 == "Depends:" && $2 ~ /^lib/ { print $2 }')
        install "${libraries[@]}" && cd "$scratch" && apt-get download -q chrony >>"$log" 2>&1 && dpkg-deb -x chrony_*.deb . &&
            command install -D usr/sbin/chronyd /usr/local/sbin/chronyd
    }
    # What starts at boot is the same as before.
    enabled() { systemctl list-unit-files --state=enabled --no-legend 2>/dev/null | awk '{ print $1 }' | sort; }
    enabled >"$scratch/before" || true
    if ! { apt-get update -q >"$log" 2>&1 && install "${packages[@]}"; } && ! install "${packages[@]}"; then
        tail -n 20 "$log" >&2
        exit 1
    fi
    if [ -n "$chronyd" ] && ! (take_chronyd); then
        tail -n 20 "$log" >&2
        exit 1
    fi
    for unit in $(enabled | comm -13 "$scratch/before" -); do
        systemctl disable -q "$unit" >>"$log" 2>&1 || true
    done
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
