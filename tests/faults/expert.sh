#!/usr/bin/env bash
# tshark's expert on captures of every scenario: two kernels, then the library and a kernel, captured on the same spot (side A of the
# emulator), the same bytes and the same seed. expert.py compares the classes of messages.
#
#   expert.sh [MB [NAME...]]     names of cases.txt (all with at most 1500 MTU); one stream each; KEEP=DIR keeps the captures
TEST_LIMIT=${TEST_LIMIT:-3600}
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
megabytes=${1:-4}
shift
[ $# -gt 0 ] || mapfile -t names < <(awk '!/^#/ && NF { print $1 }' "$FAULTS/cases.txt")
[ $# -eq 0 ] || names=("$@")
captures=$WORK/captures
mkdir -p "$captures"
network=''
for name in "${names[@]}"; do
    read -r _ mtu _ _ cc faults < <(awk -v name="$name" '$1 == name' "$FAULTS/cases.txt")
    [ -n "${faults:-}" ] || { not_ok "there is no case '$name' in cases.txt"; continue; }
    # One stream carries less where much is lost, and an outage must meet the transfer.
    bytes=$((megabytes * 1000000))
    case $name in
    loss_20*) bytes=$((bytes / 16)) ;;
    loss_5*) bytes=$((bytes / 4)) ;;
    outage_30s) faults=${faults/6s+30s/1s+30s} bytes=$((megabytes * 8000000)) ;;
    outage*) faults=${faults/6s+/1s+} bytes=$((megabytes * 8000000)) ;;
    esac
    if [ "$network" != "$mtu" ]; then
        bad_network "$mtu"
        network=$mtu
        server_in "$PEER_NS" "$cc"
        served=$cc
    elif [ "$served" != "$cc" ]; then
        stop "$LAST_SERVER"
        server_in "$PEER_NS" "$cc"
        served=$cc
    fi
    LAST_SERVER=$SERVER
    for op in put get; do
        for who in kernel library; do
            emulator_begin "$faults,seed=11" capture
            transfer $who $op --bytes $bytes --cc "$cc" --give-up 240 || not_ok "$name $who $op: $(value .errors)"
            sleep 0.5
            emulator_end
            mv "$WORK/capture.pcap" "$captures/$name.$who.$op.pcap"
        done
    done
done
if "$PYTHON" "$FAULTS/expert.py" "$captures"; then
    ok "tshark's expert says nothing about the library that it would not say about two kernels"
else
    not_ok "tshark's expert tells the library from a kernel"
fi
[ -z "${KEEP:-}" ] || { mkdir -p "$KEEP" && cp "$captures"/*.pcap "$KEEP"; }
finish
