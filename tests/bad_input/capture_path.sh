#!/usr/bin/env bash
# MATNET_PCAP and MATNET_LOG_FILE at places that cannot be written.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl "$PYTHON"
topology direct
mkdir -p "$WORK/directory"
for path in /nonexistent/capture.pcapng "$WORK/directory" /proc/capture.pcapng; do
    OPTIONS=("MATNET_PCAP=$path")
    probe env
    refused "MATNET_PCAP=$path" 'MATNET_PCAP' "$path"
done

# A full disk while it runs: one warning, and the program goes on.
http_peer
make_data "$WORK/www/in.data" 5000000
mkdir -p "$WORK/small"
rm -f "$WORK/full.err"
# shellcheck disable=SC2016
timeout -k 5 30 nsenter --net="/proc/$PROG_NS/ns/net" -- unshare -m sh -ec '
    mount -t tmpfs -o size=256k tmpfs "$1"
    shift
    exec env "$@"' sh "$WORK/small" "LD_PRELOAD=$LIBRARY" "MATNET_PCAP=$WORK/small/capture.pcapng" \
    curl -sS -o "$WORK/out.data" http://$HOST_IP:8000/in.data 2>"$WORK/full.err"
check_equal "a full disk: curl ends with 0" 0 $?
same_file "a full disk: the download" "$WORK/www/in.data" "$WORK/out.data"
check_equal "a full disk: lines printed" 1 "$(lines "$WORK/full.err" | wc -l)"
note "$(lines "$WORK/full.err")"
finish
