#!/usr/bin/env bash
# matnet up and down, in a network namespace and with a /run of their own: with and without NAT, twice, on new and on existing
# devices; what `down` leaves is what was there before. NAT is tried with real packets.
set -u -o pipefail
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MATNET=${MATNET:-${CARGO_TARGET_DIR:-$ROOT/target}/release/matnet}

if [ "$(id -u)" != 0 ]; then
    echo "not ok - must run as root (it makes network namespaces)"
    exit 1
fi
if [ -z "${UP_DOWN_INSIDE:-}" ]; then
    if [ ! -x "$MATNET" ]; then
        echo "not ok - $MATNET is not there: cargo build --release"
        exit 1
    fi
    # The namespaces end with this process, and with them devices, rules and mounts.
    exec env UP_DOWN_INSIDE=1 MATNET="$MATNET" unshare --net --mount --propagation private -- "$0" "$@"
fi
MATNET_BIN=$MATNET
for name in $(compgen -e MATNET); do unset "$name"; done

OUTSIDE=matnet-out-$$
WORK=$(mktemp -d "${TMPDIR:-/tmp}/matnet-up-down.XXXXXX")
cleanup() {
    ip netns del "$OUTSIDE" 2>/dev/null
    rm -rf "$WORK"
}
trap cleanup EXIT
# The command copied to where every user may read it, and a /run of our own.
install -m 755 "$MATNET_BIN" "$WORK/matnet"
chmod 755 "$WORK"
MATNET=$WORK/matnet
mkdir -p /run/matnet
mount -t tmpfs tmpfs /run/matnet
ip link set lo up

FAILED=0
ok() { echo "ok - $*"; }
not_ok() {
    FAILED=$((FAILED + 1))
    echo "not ok - $*"
}
check() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else not_ok "$what (status $?)"; fi
}
check_equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: expected '$2', got '$3'"; fi; }
check_match() { if printf '%s\n' "$3" | grep -Eq -- "$2"; then ok "$1"; else not_ok "$1: /$2/ is not in: $3"; fi; }

# Everything that the commands may change, in one text. Link-local IPv6 addresses differ from device to device.
state() {
    ip -o link show | sed -E 's/^[0-9]+: //; s/link\/ether [^ ]+/MAC/; s/NO-CARRIER,|,LOWER_UP|qdisc [^ ]+|state [A-Z]+|mode [A-Z]+//g'
    # Whether frames have an offload header is what the last program asked for; it asks again each time.
    ip -d -o link show type tun | sed -nE 's/^[0-9]+: ([^:]+): .*tun (type.*persist on).*(user|group).*/\0/; s/vnet_hdr (on|off) //; s/^[0-9]+: ([^:]+): .*tun (type.*) addrgenmode.*/\1: \2/p'
    ip -4 -o addr show | sed -E 's/^[0-9]+: //'
    nft list ruleset
    cat /proc/sys/net/ipv4/ip_forward
    ls /run/matnet
}
same_state() { # WHAT BEFORE
    local now
    now=$(state)
    if [ "$2" = "$now" ]; then ok "$1"; else not_ok "$1: $(diff <(echo "$2") <(echo "$now"))"; fi
}
sysctl() { cat /proc/sys/net/ipv4/ip_forward; }

echo 0 >/proc/sys/net/ipv4/ip_forward
empty=$(state)

# --- a new device --------------------------------------------------------------------------------------------------
check "up" "$MATNET" up --user nobody
once=$(state)
check_match "the device is there and up" 'matnet0: <.*UP.*> mtu 1500 .*qlen 10000' "$once"
check_match "it has the gateway's address" 'matnet0 +inet 10\.88\.45\.1/24 brd 10\.88\.45\.255' "$once"
check_match "it belongs to the user" 'matnet0: type tap.*persist on.*user (65534|nobody)' "$once"
check "up again" "$MATNET" up --user nobody
same_state "up twice is up once" "$once"
check "with a group" "$MATNET" up --group nogroup
check_match "it belongs to the group as well" 'user (65534|nobody) group (65534|nogroup)' "$(state)"
check_equal "forwarding is as it was" 0 "$(sysctl)"
check "down" "$MATNET" down
same_state "down leaves nothing" "$empty"
check "down again" "$MATNET" down
same_state "still nothing" "$empty"

# --- NAT -----------------------------------------------------------------------------------------------------------
check "up --nat" "$MATNET" up --nat --tap tap-1 --addr 10.9.0.2/16 --mtu 1400
nat=$(state)
check_equal "forwarding is on" 1 "$(sysctl)"
check_match "the table masquerades" 'ip saddr 10\.9\.0\.0/16 oifname != "tap-1" masquerade' "$nat"
check_match "the MTU is as asked for" 'tap-1: .* mtu 1400' "$nat"
check "up --nat again" "$MATNET" up --nat --tap tap-1 --addr 10.9.0.2/16 --mtu 1400
same_state "twice is once" "$nat"
check "up without --nat leaves NAT alone" "$MATNET" up --tap tap-1 --addr 10.9.0.2/16
same_state "as it was" "$nat"

# A second device: forwarding stays on until the last is down.
check "a second device with NAT" "$MATNET" up --nat
check "the first goes" "$MATNET" down --tap tap-1
check_equal "forwarding stays on for the second" 1 "$(sysctl)"
check_match "its table is there" 'table ip matnet_matnet0' "$(nft list ruleset)"
check "the second goes" "$MATNET" down
same_state "and forwarding is off again" "$empty"

# Forwarding that was on stays on; a foreign table is left alone.
echo 1 >/proc/sys/net/ipv4/ip_forward
nft add table ip somebody
before=$(state)
check "up --nat where forwarding is on" "$MATNET" up --nat
check "down" "$MATNET" down
same_state "forwarding and foreign tables stay" "$before"
nft delete table ip somebody
echo 0 >/proc/sys/net/ipv4/ip_forward

# A device that somebody else removed: down still undoes NAT.
check "up --nat" "$MATNET" up --nat
ip link del matnet0
check "down after the device was removed" "$MATNET" down
same_state "NAT is undone all the same" "$empty"

# --- --gateway with a prefix -----------------------------------------------------------------------------------------
check "--gateway ADDR/PREFIX" "$MATNET" up --gateway 172.20.3.9/20
check_match "names the host's address and network" 'matnet0 +inet 172\.20\.3\.9/20' "$(state)"
check "another address instead" "$MATNET" up --gateway 172.20.3.10/20
check_match "replaces it" 'inet 172\.20\.3\.10/20' "$(state)"
check_equal "the old one is gone" 0 "$(state | grep -c '172.20.3.9/')"
check "down" "$MATNET" down
same_state "nothing is left" "$empty"

# --- an existing device ----------------------------------------------------------------------------------------------
ip tuntap add dev mine mode tap user daemon
ip link set mine mtu 1300
ip addr add 192.0.2.77/32 dev mine
existing=$(state)
check "up on an existing device" "$MATNET" up --tap mine --user nobody --mtu 1450 --nat
check_match "it has the new owner" 'mine: type tap.*user (65534|nobody)' "$(state)"
check_match "it is up, with the new MTU" 'mine: <.*UP.*> mtu 1450' "$(state)"
check_match "it has the host's address beside its own" 'mine +inet 10\.88\.45\.1/24' "$(state)"
check "again, with another owner" "$MATNET" up --tap mine --user root
check "down" "$MATNET" down --tap mine
same_state "owner, MTU, address and state are as before" "$existing"
ip link del mine

# --- refusals ----------------------------------------------------------------------------------------------------------
refused() { # WHAT STATUS REGEX COMMAND...
    local what=$1 status=$2 regex=$3 text got
    shift 3
    text=$("$@" 2>&1 >/dev/null)
    got=$?
    check_equal "$what: status" "$status" "$got"
    check_equal "$what: one line" 1 "$(printf '%s\n' "$text" | wc -l)"
    check_match "$what: says why" "$regex" "$text"
}
ip link add lan7 type veth peer name lan8
ip addr add 10.88.45.77/24 dev lan7
refused "the network is taken" 1 'lan7 already has the network 10\.88\.45\.0/24' "$MATNET" up
ip link del lan7
ip link add matnet0 type veth peer name lan8
refused "not a TAP" 1 'matnet0: this is veth, not a TAP' "$MATNET" up
ip link del matnet0
refused "a bad address" 2 '^matnet: --addr: "10\.9/8": expected' "$MATNET" up --addr 10.9/8
refused "a bad gateway" 2 '^matnet: --gateway: "x/8": expected' "$MATNET" up --gateway x/8
refused "no such user" 2 '^matnet: --user: "no-such-user": expected' "$MATNET" up --user no-such-user
refused "not root: up" 1 'run it as root' setpriv --reuid 65534 --regid 65534 --clear-groups "$MATNET" up
refused "not root: down" 1 'run it as root' setpriv --reuid 65534 --regid 65534 --clear-groups "$MATNET" down
same_state "refusals change nothing" "$empty"

# --- NAT with real packets ---------------------------------------------------------------------------------------------
# A host outside that knows no route to the program's network: only a masqueraded packet is answered.
if command -v python3 >/dev/null; then
    check "up --nat for real packets" "$MATNET" up --nat
    ip netns add "$OUTSIDE"
    ip link add out0 type veth peer name out1 netns "$OUTSIDE"
    ip addr add 192.0.2.1/24 dev out0
    ip link set out0 up
    ip -n "$OUTSIDE" addr add 192.0.2.2/24 dev out1
    ip -n "$OUTSIDE" link set out1 up
    answer=$(timeout 20 python3 - <<'PY'
import fcntl, os, select, socket, struct, time

tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"matnet0", 0x1002))
me, host, far = (socket.inet_aton(a) for a in ("10.88.45.2", "10.88.45.1", "192.0.2.2"))
mac = bytes([2, 0, 0, 0, 0, 9])


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def arp(operation, target_mac, target):
    body = struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, operation, mac, me, target_mac, target)
    os.write(tun, (target_mac if operation == 2 else b"\xff" * 6) + mac + b"\x08\x06" + body)


arp(1, b"\0" * 6, host)
end = time.monotonic() + 15
while time.monotonic() < end:
    if not select.select([tun], [], [], 1)[0]:
        arp(1, b"\0" * 6, host)
        continue
    frame = os.read(tun, 65536)
    if frame[12:14] == b"\x08\x06":
        operation = struct.unpack("!H", frame[20:22])[0]
        if operation == 1 and frame[38:42] == me:
            arp(2, frame[22:28], frame[28:32])
        if operation == 2:
            icmp = struct.pack("!BBHHH", 8, 0, 0, 77, 1) + b"matnet"
            icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0, me, far)
            ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
            os.write(tun, frame[22:28] + mac + b"\x08\x00" + ip + icmp)
    elif frame[12:14] == b"\x08\x00" and frame[26:30] == far and frame[34] == 0 and frame[42:48] == b"matnet":
        print("answered")
        break
PY
    )
    check_equal "a packet goes out and its answer comes back" answered "$answer"
    check "down" "$MATNET" down
    ip link del out0
    same_state "nothing is left" "$empty"
else
    echo "# python3 is not installed: NAT was not tried with packets"
fi

if [ $FAILED = 0 ]; then echo "# all passed"; else echo "# $FAILED failed"; fi
[ $FAILED = 0 ]
