#!/usr/bin/env bash
# An unprivileged user with a persistent TAP, made with ip tuntap and with matnet up; and matnet run.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need curl setpriv tshark "$PYTHON"

SIZE=50000000
make_data "$WORK/in.data" $SIZE
mkdir -p "$WORK/lib"
cp "$LIBRARY" "$WORK/lib/"
cp "$MATNET" "$WORK/lib/" 2>/dev/null
mkdir -m 777 "$WORK/open"

# as_nobody COMMAND...: in the program's network namespace, where /dev/net/tun is open to everybody, without privileges.
# shellcheck disable=SC2016
as_nobody() {
    timeout -k 5 "$LIMIT" nsenter --net="/proc/$PROG_NS/ns/net" -- unshare -m sh -ec '
        mount -t tmpfs -o mode=755 tmpfs /dev/net
        mknod /dev/net/tun c 10 200
        chmod 666 /dev/net/tun
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"' sh "$@" 2>>"$WORK/prog.err"
}

# in_private COMMAND...: as root, with a /run of its own, where matnet up keeps what it changed.
# shellcheck disable=SC2016
in_private() {
    timeout -k 5 "$LIMIT" nsenter --net="/proc/$PROG_NS/ns/net" -- unshare -m sh -ec '
        mkdir -p "$0/run"
        mount --bind "$0/run" /run
        exec "$@"' "$WORK" "$@" 2>>"$WORK/matnet.err"
}

topology bridged
http_peer
ln -f "$WORK/in.data" "$WORK/www/in.data"
in_prog ip tuntap del dev matnet0 mode tap
in_prog ip tuntap add dev matnet0 mode tap user nobody
in_prog ip link set matnet0 master br0
in_prog ip link set matnet0 up
mark
as_nobody env LD_PRELOAD="$WORK/lib/libmatnet.so" MATNET_PCAP="$WORK/open/cap.pcapng" \
    curl -sS -o "$WORK/open/out.data" http://$HOST_IP:8000/in.data
check_equal "a user's TAP: curl ends with 0" 0 $?
same_file "a user's TAP: download" "$WORK/in.data" "$WORK/open/out.data"
check_moved to $SIZE
CAPTURE=$WORK/open/cap.pcapng
check_capture 0 $SIZE
rm -f "$WORK/open/out.data"

topology direct
http_peer
ln -f "$WORK/in.data" "$WORK/www/in.data"
in_private "$MATNET" up --user nobody >"$WORK/up.out"
check_equal "matnet up --user nobody" 0 $?
in_private "$MATNET" up --user nobody >>"$WORK/up.out"
check_equal "matnet up again" 0 $?
check_match "the device has the gateway's address" 'inet 10.88.45.1/24' "$(in_prog ip -4 addr show dev matnet0 2>&1)"
mark
as_nobody env LD_PRELOAD="$WORK/lib/libmatnet.so" curl -sS -o "$WORK/open/out.data" http://$HOST_IP:8000/in.data
check_equal "matnet up: curl ends with 0" 0 $?
same_file "matnet up: download" "$WORK/in.data" "$WORK/open/out.data"
check_moved to $SIZE
check_equal "upload" "$(sum_of "$WORK/in.data")" "$(as_nobody env LD_PRELOAD="$WORK/lib/libmatnet.so" curl -sS -T "$WORK/www/in.data" http://$HOST_IP:8000/up.data)"
check_moved from $SIZE
rm -f "$WORK/open/out.data"
as_nobody "$WORK/lib/matnet" run -- curl -sS -o "$WORK/open/out.data" http://$HOST_IP:8000/in.data
check_equal "matnet run as a user: curl ends with 0" 0 $?
same_file "matnet run as a user: download" "$WORK/in.data" "$WORK/open/out.data"
in_private "$MATNET" down >"$WORK/down.out"
check_equal "matnet down" 0 $?
if in_prog ip link show matnet0 >/dev/null 2>&1; then not_ok "matnet down leaves the device"; else ok "matnet down removes the device"; fi

# As root, nothing prepared.
topology direct
http_peer
ln -f "$WORK/in.data" "$WORK/www/in.data"
rm -f "$WORK/open/out.data"
timeout -k 5 $LIMIT nsenter --net="/proc/$PROG_NS/ns/net" -- "$MATNET" run --pcap "$WORK/run.pcapng" --addr 10.88.45.9/24 -- \
    curl -sS -o "$WORK/open/out.data" http://$HOST_IP:8000/in.data 2>>"$WORK/prog.err"
check_equal "matnet run as root: curl ends with 0" 0 $?
same_file "matnet run as root: download" "$WORK/in.data" "$WORK/open/out.data"
CAPTURE=$WORK/run.pcapng
PROG_IP=10.88.45.9
check_capture 0 $SIZE
check_equal "matnet run gives the program's status" 7 "$(in_prog "$MATNET" run -- sh -c 'exit 7'; echo $?)"
finish
