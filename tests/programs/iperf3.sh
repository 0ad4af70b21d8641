#!/usr/bin/env bash
# iperf3 as client and as server, both directions, 8 streams at once, UDP.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need iperf3 jq tshark

received() { jq -r '.end.sum_received.bytes // 0' "$1"; }

# report WHAT JSON PAYLOAD-DIRECTION: speed, and that something moved without loss
report() {
    if [ "$(jq -r '.error // empty' "$2")" != "" ]; then
        not_ok "$1: $(jq -r .error "$2")"
        return
    fi
    note "$1: $(jq -r '.end.sum_received.bits_per_second / 1e9 * 100 | floor / 100' "$2") Gb/s, $(jq -r '.end.sum_sent.retransmits // "unknown number of"' "$2") retransmissions"
    if [ "$(received "$2")" -gt 1000000 ]; then ok "$1"; else not_ok "$1: only $(received "$2") bytes arrived"; fi
    # What the receiver's buffers hold at the end was sent and is read by nobody.
    check_moved "$3" "$(received "$2")" "$(jq -r '.end.sum_sent.bytes // 0' "$2")"
}

for topology in direct bridged; do
    topology $topology
    OPTIONS=()
    peer_bg server iperf3 -s
    peer_ready 5201
    mark
    prog iperf3 -c $HOST_IP -t 1 -J >"$WORK/json"
    report "client sends" "$WORK/json" from
    mark
    prog iperf3 -c $HOST_IP -t 1 -R -J >"$WORK/json"
    report "client receives (-R)" "$WORK/json" to
    mark
    prog iperf3 -c $HOST_IP -t 1 -P 8 -J >"$WORK/json"
    report "client sends, 8 streams" "$WORK/json" from
    mark
    prog iperf3 -c $HOST_IP -t 1 -P 8 -R -J >"$WORK/json"
    report "client receives, 8 streams" "$WORK/json" to
    prog iperf3 -c $HOST_IP -t 1 -u -b 20M -J >"$WORK/json"
    check_equal "client sends UDP at 20 Mb/s: datagrams lost" 0 "$(jq -r '.end.sum.lost_packets' "$WORK/json")"
    prog iperf3 -c $HOST_IP -t 1 -u -b 20M -R -J >"$WORK/json"
    check_equal "client receives UDP at 20 Mb/s: datagrams lost" 0 "$(jq -r '.end.sum.lost_packets' "$WORK/json")"
    capture "$topology-client"
    prog iperf3 -c $HOST_IP -n 20M -J >/dev/null
    check_capture 20000000 0
    capture "$topology-client-R"
    prog iperf3 -c $HOST_IP -n 20M -R -J >/dev/null
    check_capture 0 20000000

    OPTIONS=()
    prog_bg prog-server iperf3 -s
    server=$LAST
    prog_ready 5201
    sleep 0.3
    mark
    peer iperf3 -c $PROG_IP -t 1 -J >"$WORK/json"
    report "server receives" "$WORK/json" to
    mark
    peer iperf3 -c $PROG_IP -t 1 -R -J >"$WORK/json"
    report "server sends (-R)" "$WORK/json" from
    check "iperf3 -s ends when told" stop "$server"
done
finish
