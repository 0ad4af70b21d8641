#!/usr/bin/env bash
# Another device of the namespace already has the network: refused, naming it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
topology direct
in_prog ip link add lan7 type bridge
in_prog ip addr add 10.88.45.77/25 dev lan7
in_prog ip link set lan7 up
probe env
refused "a device with that network" 'lan7' '10\.88\.45' 'MATNET_ADDR'
if in_prog ip link show matnet0 >/dev/null 2>&1; then not_ok "the device was left behind"; else ok "no device is left behind"; fi
# With another network it works.
http_peer
echo "a page" >"$WORK/www/page"
OPTIONS=(MATNET_ADDR=10.88.46.2/24)
check_equal "with another network it works" "a page" "$(prog curl -sS http://10.88.46.1:8000/page)"
finish
