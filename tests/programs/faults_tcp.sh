#!/usr/bin/env bash
# MATNET_FAULT under TCP: curl down and up with checksums through every kind of fault, in both topologies.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need curl nft tshark "$PYTHON"
# What a lossy link makes a reader of captures remark upon; checksums and lengths are judged all the same.
LOSSY='0xffff instead of 0x0000|[Rr]etransmission|[Dd]uplicate ACK|Duplicate|not captured|unseen|[Oo]ut-of-order|Out-Of-Order|TCP keep|SACK|window|reassembl'

SIZE=$([ -n "$LONG" ] && echo 50000000 || echo 4000000)
make_data "$WORK/some.data" "$SIZE"

# total LINE DIRECTION WORD: the figure before WORD in that direction's part of the library's last line.
total() { sed -n 's/.*: in \(.*\); out \(.*\)$/in \1\nout \2/p' <<<"$1" | grep "^$2 " | grep -oE "[0-9]+ $3" | cut -d' ' -f1; }

# transfers FAULTS WORD...: down and up; the counters of the direction in which the data goes must show each WORD.
transfers() {
    local faults=$1 line word way direction
    shift
    for way in down up; do
        direction=$([ $way = down ] && echo in || echo out)
        CAPTURE=$WORK/faults.pcapng
        rm -f "$CAPTURE" "$WORK/faults.lib"
        OPTIONS=("MATNET_FAULT=$faults" "MATNET_PCAP=$CAPTURE" MATNET_LOG=info "MATNET_LOG_FILE=$WORK/faults.lib" "${MORE[@]}")
        if [ $way = down ]; then
            prog curl -sS -o "$WORK/down.data" http://$HOST_IP:8000/some.data
            check_equal "$faults: curl download ends with 0" 0 $?
            same_file "$faults: download" "$WORK/some.data" "$WORK/down.data"
            rm -f "$WORK/down.data"
        else
            check_equal "$faults: the peer's sha256 of the upload" "$(sum_of "$WORK/some.data")" \
                "$(prog curl -sS -T "$WORK/some.data" http://$HOST_IP:8000/up.data)"
        fi
        line=$(grep -a 'MATNET_FAULT: seed' "$WORK/faults.lib")
        for word in "$@"; do
            check "$faults: some were ${word% *} ($way)" [ "0$(total "$line" "$direction" "$word")" -gt 0 ]
        done
        case $faults in
        *corrupt*) rm -f "$CAPTURE" ;; # it shows what came, which is corrupt
        *) check_capture "$([ $way = up ] && echo "$SIZE" || echo 0)" "$([ $way = down ] && echo "$SIZE" || echo 0)" "$LOSSY" ;;
        esac
    done
}

MORE=()
for topology in direct bridged; do
    topology $topology
    http_peer
    ln -f "$WORK/some.data" "$WORK/www/some.data"
    transfers "loss=1%,seed=7" lost
    transfers "reorder=1%,gap=5,seed=7" reordered
    transfers "corrupt=1%,seed=7" corrupted
    [ $topology = bridged ] || continue
    transfers "loss=2%,burst=4,delay=2ms,seed=7" lost
    transfers "delay=5ms,jitter=2ms,dup=1%,reorder=1%,seed=7" duplicated reordered
    transfers "corrupt=1%,dup=1%,seed=8" corrupted duplicated
    transfers "rate=50mbit,queue=20,delay=1ms,seed=7" frames
    transfers "outage=100ms+300ms/1s,delay=10ms,rate=40mbit,seed=7" "lost in an outage"
    transfers "loss=0%" frames
    # Spinning drivers, other frame sizes.
    MORE=(MATNET_SPIN=50)
    transfers "loss=0.5%,delay=1ms,jitter=100us,seed=9" lost
    for mtu in 576 9000 65521; do
        for ns in "$PROG_NS" "$PEER_NS"; do
            for device in br0 veth0 matnet0 veth1; do
                nsenter --net="/proc/$ns/ns/net" -- ip link set "$device" mtu $mtu 2>/dev/null
            done
        done
        MORE=("MATNET_MTU=$mtu")
        transfers "loss=2%,corrupt=4%,delay=1ms,seed=3" corrupted
    done
    MORE=()
done
finish
