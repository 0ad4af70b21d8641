# shellcheck shell=bash
# Helpers of the tests against the kernel on a bad network; sourced first, by scripts of this directory.
#
#   program's namespace                              peer's namespace
#   matnet0 (TAP of the library) --+
#                                  br0 -- emua == matnet-emulator == emub (10.88.45.1, the peer kernel)
#   native kernel -- veth1 -- veth0 --+
#   (10.88.45.3, a namespace of its own)
#
# So the library (10.88.45.2) and the kernel beside it reach the peer through the same bridge, the same emulator and the same
# devices, and all offloads of what lies between are off: every frame that the emulator sees has at most the MTU and
# a complete checksum, which it counts and `emulator_end` checks.

# Longer than any namespace of the programs' tests: a case may take as long as its limit says.
TEST_LIMIT=${TEST_LIMIT:-180}
export TEST_LIMIT
# shellcheck source=../programs/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/../programs/lib.sh"

# MATNET_* were cleared there; the library may be given in LIBRARY_UNDER_TEST (a comparison with an earlier build).
[ -z "${LIBRARY_UNDER_TEST:-}" ] || LIBRARY=$LIBRARY_UNDER_TEST
EMULATOR=$TARGET/matnet-emulator
FAULTS=$ROOT/tests/faults
NATIVE_IP=10.88.45.3
PORT=5201
NATIVE_NS=''
EMULATOR_PID=''
SERVER=''
DROPS=0         # frames dropped by the devices while no emulator read them
EMULATION=0     # how many emulators ran
MTU=1500
SNAP=${SNAP:-160}

if [ ! -x "$EMULATOR" ]; then
    echo "not ok - $EMULATOR is not there: cargo build --release -p matnet-emulator"
    exit 1
fi
need ethtool tshark python3 ss

in_native() { nsenter --net="/proc/$NATIVE_NS/ns/net" -- "$@"; }

# as_shipped NAMESPACE-PID: the kernel there has the settings of a fresh Linux; the programs' tests turn the tail loss probe off.
as_shipped() {
    nsenter --net="/proc/$1/ns/net" -- sysctl -qw net.ipv4.tcp_early_retrans=3 \
        net.ipv4.tcp_sack=1 net.ipv4.tcp_timestamps=1 net.ipv4.tcp_recovery=1 net.ipv4.tcp_no_metrics_save=1 \
        net.ipv4.tcp_rmem='4096 131072 6291456' net.ipv4.tcp_wmem='4096 16384 4194304' 2>>"$WORK/peer.err"
}

plain() { # NAMESPACE-PID DEVICE: no offload
    nsenter --net="/proc/$1/ns/net" -- ethtool -K "$2" tso off gso off gro off tx off rx off sg off >/dev/null 2>>"$WORK/ethtool.log"
}

# bad_network MTU: the three namespaces and what connects them; emulator_begin puts life into it.
bad_network() {
    MTU=$1
    topology_end
    TOPOLOGY="mtu $MTU"
    namespace; PROG_NS=$LAST
    namespace; PEER_NS=$LAST
    namespace; NATIVE_NS=$LAST
    local ns device
    for ns in "$PROG_NS" "$PEER_NS" "$NATIVE_NS"; do as_shipped "$ns"; done
    in_prog ip link add br0 type bridge mcast_snooping 0
    in_prog ip tuntap add dev matnet0 mode tap
    in_prog ip tuntap add dev emua mode tap
    in_peer ip tuntap add dev emub mode tap
    in_native ip link add veth1 type veth peer name veth0 netns "$PROG_NS"
    # Room for all that both ends may have under way: the emulator is what drops.
    for device in matnet0 emua veth0; do
        in_prog ip link set "$device" mtu "$MTU" txqueuelen 20000 master br0
    done
    in_peer ip link set emub mtu "$MTU" txqueuelen 20000
    in_native ip link set veth1 mtu "$MTU"
    for device in matnet0 emua veth0 br0; do in_prog ip link set "$device" up; done
    in_peer ip addr add $HOST_IP/24 dev emub
    in_peer ip link set emub up
    in_native ip addr add $NATIVE_IP/24 dev veth1
    in_native ip link set veth1 up
    plain "$PROG_NS" veth0
    plain "$NATIVE_NS" veth1
    one_receiver "$PROG_NS" veth0
    one_receiver "$NATIVE_NS" veth1
}

# emulator_begin FAULTS [NAME]: with NAME the capture of side A goes to NAME.pcap in WORK.
emulator_begin() {
    local options=()
    EMULATION=$((EMULATION + 1))
    STATS=$WORK/emulator.$EMULATION.json
    [ -z "${2:-}" ] || options=(--pcap-a "$WORK/$2.pcap" --snap "$SNAP")
    # One processor: a TAP hands frames to the kernel on that of its writer, and two would reorder them.
    taskset -c $(($$ % $(nproc))) "$EMULATOR" --a "$PROG_NS:emua" --b "$PEER_NS:emub" --fault "$1" --stats "$STATS" \
        --seconds "$TEST_LIMIT" "${options[@]}" </dev/null >"$WORK/emulator.out" 2>>"$WORK/emulator.err" &
    EMULATOR_PID=$!
    PIDS+=("$EMULATOR_PID")
    if ! await 10 grep -qs ready "$WORK/emulator.out"; then
        not_ok "the emulator does not start: $(tail -n 1 "$WORK/emulator.err")"
        exit 1
    fi
    plain "$PROG_NS" emua
    plain "$PEER_NS" emub
    DROPS=$(device_drops)
    # The addresses of the neighbours are known, so a lost ARP is not what is measured.
    await 10 carrier || not_ok "the devices do not come up"
    in_prog bridge fdb replace "$(in_native cat /sys/class/net/veth1/address 2>/dev/null)" dev veth0 master 2>/dev/null
    in_native ip neigh replace $HOST_IP lladdr "$(mac_of "$PEER_NS" emub)" dev veth1
    in_peer ip neigh replace $NATIVE_IP lladdr "$(mac_of "$NATIVE_NS" veth1)" dev emub
}

mac_of() { nsenter --net="/proc/$1/ns/net" -- ip -o link show "$2" | sed 's/.*link.ether \([0-9a-f:]*\).*/\1/'; }

carrier() { in_peer ip -o link show emub | grep -q 'LOWER_UP' && in_prog ip -o link show emua | grep -q LOWER_UP; }

device_drops() { # frames that the queues of the emulator's devices dropped
    local a b
    a=$(in_prog ip -s -s -o link show emua | sed 's/.*TX:[^\\]*\\ *//' | awk '{ print $4 }')
    b=$(in_peer ip -s -s -o link show emub | sed 's/.*TX:[^\\]*\\ *//' | awk '{ print $4 }')
    echo $((${a:-0} + ${b:-0}))
}

# emulator_end: ends it; the ground was fair. The counts are in $STATS.
emulator_end() {
    local drops
    drops=$(($(device_drops) - DROPS))
    stop "$EMULATOR_PID" || not_ok "the emulator did not end"
    if [ ! -s "$STATS" ]; then
        not_ok "the emulator left no counts: $(tail -n 1 "$WORK/emulator.err")"
        return
    fi
    local problem
    problem=$(jq -r --argjson most $((MTU + 14)) --argjson drops "$drops" '
        [ (["out", "in"][] as $d | .[$d] |
            (if .longest > $most then "\($d): a frame of \(.longest) bytes" else empty end),
            (if .bad_checksums > 0 then "\($d): \(.bad_checksums) bad checksums" else empty end),
            (if .refused > 0 then "\($d): \(.refused) frames refused by the device" else empty end)),
          (if $drops > 0 then "the devices dropped \($drops) frames" else empty end) ] | join("; ")' "$STATS")
    if [ -n "$problem" ]; then not_ok "the emulated path was not fair: $problem"; fi
}

# server_in NAMESPACE-PID [CC]: the other end of transfer.py there.
server_in() {
    nsenter --net="/proc/$1/ns/net" -- "$PYTHON" "$FAULTS/transfer.py" serve $PORT --cc "${2:-cubic}" </dev/null >"$WORK/server.log" 2>&1 &
    SERVER=$!
    PIDS+=("$SERVER")
    peer_ready $PORT
}

# transfer library|kernel put|get ARGUMENTS...: one client on side A; its line of JSON in RESULT, its status is returned.
transfer() {
    local who=$1
    shift
    local op=$1
    shift
    if [ "$who" = library ]; then
        LIMIT=$TEST_LIMIT prog "$PYTHON" "$FAULTS/transfer.py" "$op" $HOST_IP $PORT "$@" >"$WORK/result.json"
    else
        timeout -k 5 "$TEST_LIMIT" nsenter --net="/proc/$NATIVE_NS/ns/net" -- \
            "$PYTHON" "$FAULTS/transfer.py" "$op" $HOST_IP $PORT "$@" >"$WORK/result.json" 2>>"$WORK/native.err"
    fi
    local status=$?
    RESULT=$(tail -n 1 "$WORK/result.json")
    [ -n "$RESULT" ] || RESULT="{\"ok\":false,\"bytes\":0,\"seconds\":0,\"mbit\":0,\"errors\":[\"status $status\"]}"
    return $status
}

value() { jq -rc "$1" <<<"$RESULT"; }
