#!/usr/bin/env bash
# Values that do not parse: the line names the variable, the value and what was expected.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
topology direct
# shellcheck disable=SC2016
while read -r name value; do
    OPTIONS=("$name=$value")
    probe env
    refused "$name=$value" "$name" "$(printf '%s' "$value" | sed 's/[][\\.*^$()+?{}|]/\\&/g')" 'expected|cannot|must|no such|not'
done <<'VALUES'
MATNET_TAP this-name-is-far-too-long-for-a-device
MATNET_TAP a/b
MATNET_ADDR 10.88.45/24
MATNET_ADDR 10.88.45.2/33
MATNET_ADDR 10.88.45.0/24
MATNET_ADDR fe80::1/64
MATNET_GATEWAY gateway
MATNET_GATEWAY 10.88.45.300
MATNET_MAC 02:00:00:00:00
MATNET_MAC 01:00:5e:00:00:01
MATNET_MTU much
MATNET_MTU 10
MATNET_MTU 70000
MATNET_BYPASS 10.0.0.0/40
MATNET_BYPASS 10.0.0.0/8:99999
MATNET_LOOPBACK maybe
MATNET_HOOK perhaps
MATNET_CC fastest
MATNET_LINGER long
MATNET_LINGER -1s
MATNET_SPIN abc
MATNET_IO_URING perhaps
MATNET_LOG loud
MATNET_CONFIG /nonexistent/matnet.conf
VALUES

# The same in a file.
printf 'addr = 10.88.45.9/24\nmtu = much\n' >"$WORK/matnet.conf"
OPTIONS=("MATNET_CONFIG=$WORK/matnet.conf")
probe env
refused "a value in the file" 'matnet.conf|MATNET_MTU|mtu' 'much'

# A program without internet sockets does not care.
check "a program without internet sockets runs" timeout 5 env LD_PRELOAD="$LIBRARY" MATNET_ADDR=nonsense true
finish
