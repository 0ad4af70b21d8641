#!/usr/bin/env bash
# An unprivileged user: /dev/net/tun closed to him, or open but no device that he may use.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need unshare setpriv "$PYTHON"
mkdir -p "$WORK/lib"
cp "$LIBRARY" "$PROBE" "$WORK/lib/"
LIBRARY=$WORK/lib/libmatnet.so
PROBE=$WORK/lib/probe.py

# with_node MODE: the probe as nobody, with a /dev/net/tun of that mode.
# shellcheck disable=SC2016
with_node() {
    probe env -u LD_PRELOAD unshare -m sh -ec '
        mount -t tmpfs -o mode=755 tmpfs /dev/net
        mknod /dev/net/tun c 10 200
        chmod "$1" /dev/net/tun
        preload=$2
        shift 2
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all env "LD_PRELOAD=$preload" "$@"' \
        sh "$1" "$LIBRARY"
}

topology direct
with_node 600
refused "closed node" '/dev/net/tun' 'matnet up|chmod|permission|root'
with_node 666
refused "no device and no right to make one" 'matnet0' 'matnet up --user'
in_prog ip tuntap add dev matnet0 mode tap user daemon
in_prog ip link set matnet0 up
with_node 666
refused "another user's device" 'matnet0' 'matnet up --user'
finish
