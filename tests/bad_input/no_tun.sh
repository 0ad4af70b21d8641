#!/usr/bin/env bash
# There is no /dev/net/tun.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need unshare "$PYTHON"
topology direct
# shellcheck disable=SC2016
probe unshare -m sh -ec 'mount -t tmpfs tmpfs /dev/net; exec "$@"' sh
refused "no /dev/net/tun" '/dev/net/tun' 'modprobe tun|mknod|--device'
finish
