# shellcheck shell=bash
# Helpers of the program tests; each test sources this file first.
#
# A test gets network namespaces of its own, held by a sleeping process each, so they vanish with the test however
# it ends, and two runs side by side share nothing. Two topologies:
#   direct   the program and its peer share a namespace; the library creates the device itself (zero set-up) and the
#            host side of the device is the peer;
#   bridged  a persistent TAP and one end of a veth on a bridge, the peer kernel in a second namespace; the
#            program's namespace has no kernel address of that network, so an unhooked call cannot succeed by accident.
# MATNET_TEST_NATIVE=1 runs the same test without the library, over a veth: a check of the test itself.
# MATNET_TEST_LONG=1 runs what takes long too: LONG is set then.
# TEST_LIMIT bounds a test in seconds, TEST_WORK is the directory for its files (kept by the caller).

if [ -z "${TEST_BOUNDED:-}" ]; then
    export TEST_BOUNDED=1
    # A machine may be busy, and the long form takes as long as it takes.
    exec timeout -k 10 "${TEST_LIMIT:-$([ -n "${MATNET_TEST_LONG:-}" ] && echo 900 || echo 180)}" bash "$0" "$@"
fi

set -u -o pipefail
export LC_ALL=C

NATIVE=${MATNET_TEST_NATIVE:-}
# shellcheck disable=SC2034  # used by the tests
LONG=${MATNET_TEST_LONG:-}
for name in $(compgen -e MATNET_); do
    unset "$name"
done
unset LD_PRELOAD name

TEST_NAME=$(basename "$0" .sh)
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HELPERS=$ROOT/tests/programs/helpers
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}/release
LIBRARY=$TARGET/libmatnet.so
# shellcheck disable=SC2034  # used by the tests
MATNET=$TARGET/matnet
HOST_IP=10.88.45.1
PROG_IP=10.88.45.2
PYTHON=$(command -v /usr/bin/python3 || command -v python3 || echo python3)

FAILED=0
PIDS=()         # everything started in the background
PROG_NS=''      # pid whose network namespace the program runs in
PEER_NS=''      # the same of the peer; in the direct topology equal to PROG_NS
TOPOLOGY=''
OPTIONS=()      # MATNET_* settings of the program
LIMIT=60        # seconds for one foreground command
LAST=''         # pid of the last background command
COUNTERS=1      # '' leaves the packet filter's counters out of the direct topology (for measuring)
EXPECT_LINES='' # a regular expression of lines the library is expected to print

if [ "$(id -u)" != 0 ]; then
    echo "not ok - $TEST_NAME must run as root (it makes network namespaces)"
    exit 1
fi
if [ -n "${TEST_WORK:-}" ]; then
    WORK=$TEST_WORK
    mkdir -p "$WORK"
else
    WORK=$(mktemp -d "${TMPDIR:-/tmp}/matnet-test-$TEST_NAME.XXXXXX")
fi
chmod 755 "$WORK"
if [ -z "$NATIVE" ] && [ ! -e "$LIBRARY" ]; then
    echo "not ok - $LIBRARY is not there: cargo build --release"
    exit 1
fi

# --- results -------------------------------------------------------------------------------------------------------

ok() { echo "ok - ${TOPOLOGY:+$TOPOLOGY: }$*"; }

not_ok() {
    FAILED=$((FAILED + 1))
    echo "not ok - ${TOPOLOGY:+$TOPOLOGY: }$*"
}

note() { echo "# $*"; }

# check WHAT COMMAND...: ok when the command succeeds.
check() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else not_ok "$what (status $?)"; fi
}

# check_status WHAT EXPECTED ACTUAL
check_equal() {
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: expected '$2', got '$3'"; fi
}

# check_match WHAT REGEX TEXT
check_match() {
    # Not through a pipe: grep -q leaves early, and with pipefail the writer's SIGPIPE would be a failure.
    if grep -Eq -- "$2" <<<"$3"; then ok "$1"; else not_ok "$1: /$2/ is not in: $(printf '%s' "$3" | head -c 600)"; fi
}

sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

# same_file WHAT A B: the same bytes, by checksum.
same_file() {
    if [ ! -e "$3" ]; then
        not_ok "$1: nothing arrived"
        return
    fi
    local a b
    a=$(sum_of "$2")
    b=$(sum_of "$3")
    if [ "$a" = "$b" ]; then
        ok "$1 (sha256 ${a:0:12}, $(stat -c %s "$3") bytes)"
    else
        not_ok "$1: sha256 ${a:0:12} ($(stat -c %s "$2") bytes) became ${b:0:12} ($(stat -c %s "$3") bytes)"
    fi
}

# finish: the last line of every test.
finish() {
    topology_end
    if [ -z "$NATIVE" ]; then
        local lines
        lines=$(grep -ahoE 'matnet\[[0-9]+\]: .*' "$WORK"/*.err "$WORK"/*.log 2>/dev/null | sort -u)
        [ -z "$EXPECT_LINES" ] || lines=$(printf '%s\n' "$lines" | grep -Ev -- "$EXPECT_LINES")
        if [ -n "$lines" ]; then
            not_ok "the library printed: $(printf '%s' "$lines" | head -5)"
        fi
    fi
    [ "$FAILED" = 0 ]
    exit
}

# need PROGRAM...: what the test uses; a missing one is a failure, never silently skipped.
need() {
    local missing=()
    for tool in "$@"; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        echo "not ok - missing: ${missing[*]} (scripts/setup.sh installs what the tests need)"
        exit 1
    fi
}

# library_only: for tests that have no meaning on the kernel's own stack.
library_only() {
    if [ -n "$NATIVE" ]; then
        echo "ok - $TEST_NAME # SKIP it needs the library"
        exit 77
    fi
}

# --- cleaning up ---------------------------------------------------------------------------------------------------

alive() { [ -e "/proc/$1" ] && ! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null; }

# await SECONDS COMMAND...: until the command succeeds.
await() {
    local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
    shift
    until "$@"; do
        [ "${EPOCHREALTIME/./}" -lt "$end" ] || return 1
        sleep 0.05
    done
}

dead() { ! alive "$1"; }

# stop PID [SIGNAL]: end a process that this test started; fails when only KILL helped.
stop() {
    local pid=$1 status=0
    if alive "$pid"; then
        kill -s "${2:-TERM}" "$pid" 2>/dev/null
        if ! await 10 dead "$pid"; then
            kill -s KILL "$pid" 2>/dev/null
            status=1
        fi
    fi
    wait "$pid" 2>/dev/null
    return $status
}

topology_end() {
    local pid
    for pid in "${PIDS[@]}"; do
        alive "$pid" && kill "$pid" 2>/dev/null
    done
    for pid in "${PIDS[@]}"; do
        await 2 dead "$pid" || kill -s KILL "$pid" 2>/dev/null
        wait "$pid" 2>/dev/null
    done
    PIDS=()
    PROG_NS=''
    PEER_NS=''
    TOPOLOGY=''
}

cleanup() {
    local status=$?
    trap - EXIT INT TERM HUP
    topology_end
    find "$WORK" -name '*.data' -delete 2>/dev/null
    if [ -z "${TEST_WORK:-}" ]; then
        if [ $status = 0 ] || [ $status = 77 ]; then
            rm -rf "$WORK"
        else
            echo "# logs: $WORK"
        fi
    fi
    exit $status
}
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

# --- topologies ----------------------------------------------------------------------------------------------------

in_prog() { nsenter --net="/proc/$PROG_NS/ns/net" -- "$@"; }
in_peer() { nsenter --net="/proc/$PEER_NS/ns/net" -- "$@"; }

other_namespace() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

# namespace: a fresh network namespace; its holder's pid in LAST.
namespace() {
    unshare -n sleep $((${TEST_LIMIT:-1100} + 100)) </dev/null >/dev/null 2>&1 &
    LAST=$!
    PIDS+=("$LAST")
    if ! await 5 other_namespace "$LAST"; then
        not_ok "cannot make a network namespace"
        exit 1
    fi
    nsenter --net="/proc/$LAST/ns/net" -- sh -ec '
        ip link set lo up
        echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
        echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
    ' 2>/dev/null
    # The kernel's tail loss probe repeats a segment when an answer takes longer than two round trips, here some
    # milliseconds: as long as the program may wait for a processor on a busy machine. Off, so that a retransmission in a
    # capture means something; the 200 ms of the retransmission timer stay.
    nsenter --net="/proc/$LAST/ns/net" -- sysctl -qw net.ipv4.tcp_congestion_control=cubic net.ipv4.tcp_early_retrans=0 2>/dev/null
}

# one_receiver NAMESPACE-PID DEVICE: frames that arrive there are taken in order.
# shellcheck disable=SC2016
one_receiver() {
    nsenter --net="/proc/$1/ns/net" -- unshare -m sh -c '
        mount -t sysfs sysfs /sys && echo 1 >"/sys/class/net/$0/queues/rx-0/rps_cpus"' "$2" 2>>"$WORK/peer.err" ||
        note "cannot steer $2 to one processor: reordering is possible"
}

# topology direct|bridged: the namespaces of the program and its peer, and what connects them.
topology() {
    topology_end
    TOPOLOGY=$1
    namespace
    PROG_NS=$LAST
    PEER_NS=$LAST
    if [ -n "$NATIVE" ]; then
        namespace
        PEER_NS=$LAST
        in_peer ip link add veth1 type veth peer name veth0 netns "$PROG_NS"
        in_peer ip addr add $HOST_IP/24 dev veth1
        in_peer ip link set veth1 up
        in_prog ip addr add $PROG_IP/24 dev veth0
        in_prog ip link set veth0 up
        one_receiver "$PROG_NS" veth0
        one_receiver "$PEER_NS" veth1
        return
    fi
    case $TOPOLOGY in
    direct)
        # The device comes and goes with the program, so packet filter counters stand in for its own.
        [ -n "$COUNTERS" ] || return 0
        in_prog nft -f - <<'NFT'
table ip matnet_test {
    counter from_program { }
    counter to_program { }
    chain pre { type filter hook prerouting priority raw; iifname "matnet0" counter name from_program; }
    chain post { type filter hook postrouting priority 300; oifname "matnet0" counter name to_program; }
}
NFT
        ;;
    bridged)
        namespace
        PEER_NS=$LAST
        in_prog ip tuntap add dev matnet0 mode tap
        in_prog ip link add br0 type bridge mcast_snooping 0
        in_peer ip link add veth1 type veth peer name veth0 netns "$PROG_NS"
        in_prog ip link set matnet0 master br0
        in_prog ip link set veth0 master br0
        for device in br0 veth0 matnet0; do in_prog ip link set "$device" up; done
        in_peer ip addr add $HOST_IP/24 dev veth1
        in_peer ip link set veth1 up
        # A veth delivers on the sender's processor: with two senders it reorders. One processor receives, then.
        one_receiver "$PROG_NS" veth0
        one_receiver "$PEER_NS" veth1
        ;;
    *)
        not_ok "no topology '$TOPOLOGY'"
        exit 1
        ;;
    esac
}

# --- running -------------------------------------------------------------------------------------------------------

# under: prints the environment that puts a program under the library.
preload() {
    PRELOAD=()
    [ -n "$NATIVE" ] || PRELOAD=("LD_PRELOAD=$LIBRARY" "${OPTIONS[@]}")
}

# prog COMMAND...: in the foreground under the library, bounded by LIMIT; its stderr is added to prog.err.
prog() {
    preload
    timeout -k 5 "$LIMIT" nsenter --net="/proc/$PROG_NS/ns/net" -- env "${PRELOAD[@]}" "$@" 2>>"$WORK/prog.err"
}

# prog_bg NAME COMMAND...: in the background under the library; output in NAME.log, pid in LAST.
prog_bg() {
    local name=$1
    shift
    preload
    nsenter --net="/proc/$PROG_NS/ns/net" -- env "${PRELOAD[@]}" "$@" </dev/null >"$WORK/$name.log" 2>&1 &
    LAST=$!
    PIDS+=("$LAST")
}

# peer COMMAND...: on the kernel's side, without the library.
peer() { timeout -k 5 "$LIMIT" nsenter --net="/proc/$PEER_NS/ns/net" -- "$@" 2>>"$WORK/peer.err"; }

peer_bg() {
    local name=$1
    shift
    nsenter --net="/proc/$PEER_NS/ns/net" -- "$@" </dev/null >"$WORK/$name.log" 2>&1 &
    LAST=$!
    PIDS+=("$LAST")
}

# bound_in_peer PORT [tcp|udp]: somebody of the kernel's side has that port.
bound_in_peer() { in_peer ss -H -l -n "--${2:-tcp}" "sport = :$1" 2>/dev/null | grep . >/dev/null; }

# peer_ready PORT [tcp|udp]
peer_ready() {
    await 10 bound_in_peer "$@" || {
        not_ok "the peer's server on port $1 does not start: $(tail -n 3 "$WORK"/*.log 2>/dev/null)"
        exit 1
    }
}

answers() { timeout 2 nsenter --net="/proc/$PEER_NS/ns/net" -- bash -c ": </dev/tcp/$PROG_IP/$1" 2>/dev/null; }

# prog_ready PORT: the program's TCP server takes connections (one is made and closed).
prog_ready() {
    await 15 answers "$1" || {
        not_ok "the program's server on port $1 does not answer: $(tail -n 3 "$WORK"/*.log 2>/dev/null)"
        exit 1
    }
}

# make_data FILE BYTES: random bytes.
make_data() { head -c "$2" /dev/urandom >"$1"; }

# compile NAME: a helper in C, into WORK.
compile() {
    need cc
    if ! cc -O2 -Wall -Wextra -o "$WORK/$1" "$HELPERS/$1.c" -lpthread >"$WORK/cc.log" 2>&1; then
        not_ok "cc $1.c: $(head -5 "$WORK/cc.log")"
        exit 1
    fi
}

# http_peer: the kernel side's HTTP server on port 8000, serving and storing files in WORK/www.
http_peer() {
    mkdir -p "$WORK/www"
    peer_bg http "$PYTHON" "$HELPERS/peer_http.py" 8000 "$WORK/www"
    peer_ready 8000
}

# certificate: WORK/cert.pem and WORK/key.pem, for both addresses.
certificate() {
    need openssl
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=matnet.test \
        -addext "subjectAltName=IP:$HOST_IP,IP:$PROG_IP,DNS:matnet.test" \
        -keyout "$WORK/key.pem" -out "$WORK/cert.pem" 2>"$WORK/openssl.log" || not_ok "openssl req: $(tail -n 2 "$WORK/openssl.log")"
    chmod 644 "$WORK/key.pem"
}

# --- counters ------------------------------------------------------------------------------------------------------

device_bytes() { # NAMESPACE-PID DEVICE rx|tx
    # shellcheck disable=SC2016
    nsenter --net="/proc/$1/ns/net" -- awk -v d="$2:" -v c="$([ "$3" = rx ] && echo 2 || echo 10)" \
        '$1 == d { print $c }' /proc/net/dev
}

# moved from|to: bytes that went from or to the program so far.
moved() {
    if [ -n "$NATIVE" ]; then
        device_bytes "$PEER_NS" veth1 "$([ "$1" = from ] && echo rx || echo tx)"
    elif [ "$TOPOLOGY" = direct ]; then
        in_prog nft list counter ip matnet_test "$1_program" | awk '/bytes/ { print $4 }'
    else
        device_bytes "$PROG_NS" matnet0 "$([ "$1" = from ] && echo rx || echo tx)"
    fi
}

# mark: from here on, moved bytes count.
mark() {
    MARK_FROM=$(moved from)
    MARK_TO=$(moved to)
}

# check_moved from|to PAYLOAD [MOST]: the device carried at least PAYLOAD bytes since mark, and at most MOST (PAYLOAD) and headers.
check_moved() {
    local now since most=${3:-$2}
    now=$(moved "$1")
    if [ "$1" = from ]; then since=$((now - MARK_FROM)); else since=$((now - MARK_TO)); fi
    if [ "$since" -ge "$2" ] && [ "$since" -le $((most + most / 8 + 1000000)) ]; then
        ok "the device carried $since bytes $1 the program for a payload of $2"
    else
        not_ok "the device carried $since bytes $1 the program for a payload of $2"
    fi
}

# --- captures ------------------------------------------------------------------------------------------------------

# capture NAME: the program writes a capture from now on; NAME.pcapng in WORK.
capture() {
    CAPTURE=$WORK/$1.pcapng
    rm -f "$CAPTURE"
    OPTIONS=("MATNET_PCAP=$CAPTURE")
}

# check_capture [FROM TO [ALLOWED]]: every checksum in the capture is there and right, nothing is malformed, no
# retransmission, duplicate acknowledgement, hole or reordering on this clean link; at least FROM bytes of TCP and UDP payload
# from the program and TO bytes to it are in it. ALLOWED: a regular expression of expert messages to accept. (A datagram quoted by an
# ICMP error may have the checksum that its sender left to the device, as on the kernel's own links.)
#
# A tail loss probe of ours is no fault: when a peer is silent for two round trips (its delayed acknowledgement takes 40 ms, and
# a reader that waits for a processor keeps it back), Linux sends one as well, after 2 to 8 ms. It is known by this: the end of what
# was sent, one segment, not at once (10 ms, less what the program lost to others on the processor), and something of the
# peer's since the probe before; at most one, and one for 50 frames, a connection. The peer reports that it had this already, or
# else something was lost: all but one (the end of the capture may come first).
check_capture() {
    [ -z "$NATIVE" ] || return 0
    if [ ! -s "$CAPTURE" ]; then
        not_ok "no capture was written"
        return
    fi
    local table=$WORK/tshark.data complaint=$WORK/tshark.err
    if ! timeout -k 5 120 tshark -r "$CAPTURE" -n -l -d tcp.port==1-65535,data -d udp.port==1-65535,data \
        -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE \
        -o tcp.desegment_tcp_streams:FALSE -o ip.defragment:FALSE \
        -T fields -E separator=/t -E aggregator=';' -E occurrence=a \
        -e frame.number -e ip.src -e ip.proto -e ip.checksum.status -e tcp.checksum.status -e udp.checksum.status \
        -e icmp.checksum.status -e tcp.len -e udp.length -e ip.frag_offset -e ip.flags.mf -e _ws.malformed \
        -e _ws.expert.severity -e _ws.expert.message -e tcp.checksum -e tcp.stream -e tcp.seq -e frame.time_relative \
        -e tcp.flags.fin -e tcp.options.mss_val >"$table" 2>"$complaint"; then
        not_ok "tshark cannot read the capture: $(head -3 "$complaint")"
        return
    fi
    if grep -Ev '^Running as user|^$' "$complaint" >"$complaint.1"; then
        not_ok "tshark complains about the capture: $(head -3 "$complaint.1")"
    fi
    local report
    if report=$(awk -F'\t' -v me="$PROG_IP" -v from="${1:-0}" -v to="${2:-0}" -v allowed="${3:-^$}" '
        function bad(why) { problems++; if (problems <= 5) printf "frame %s: %s; ", $1, why }
        { frames++; probe = 0; reported = 0 }
        $3 == "6" {
            s = $16
            size = $8 + ($19 ~ /^(1|True)/)
            if ($20 != "" && (!(s in mss) || $20 + 0 < mss[s])) mss[s] = $20 + 0
            of[s]++
            if ($14 ~ /Connection reset/) reset[s] = 1
            if ($2 != me) heard[s] = 1
            else if (size > 0) {
                probe = $17 + size == end[s] && $8 <= (s in mss ? mss[s] : 1460) && $18 - last[s] >= 0.002 && heard[s]
                if (probe) { probes[s]++; heard[s] = 0 }
                if ($17 + size > end[s] + 0) end[s] = $17 + size
                last[s] = $18
            }
            if ($2 != me && $14 ~ /D-SACK|Duplicate ACK/ && probes[s] > dsacks[s] + 0) { dsacks[s]++; reported = 1 }
        }
        $12 != "" { bad("malformed") }
        $4 ~ /^(0|2)/ { bad("IP checksum wrong or not there") }
        # Without offloads the kernel writes 0xffff where 0 comes out (skb_checksum_help), which verifies as well (RFC 1624).
        $3 ~ /^6/ && $5 !~ /^1/ && $15 != "0xffff" && $10 == "0" && $11 !~ /^(1|True)/ { bad("TCP checksum status " $5) }
        $3 ~ /^17/ && $6 !~ /^1/ && $10 == "0" && $11 !~ /^(1|True)/ { bad("UDP checksum status " $6) }
        $7 ~ /^0/ { bad("ICMP checksum wrong") }
        $3 == "6" && $2 == me { sent += $8 }
        $3 == "6" && $2 != me { received += $8 }
        $3 == "17" && $9 != "" && $2 == me { sent += $9 - 8 }
        $3 == "17" && $9 != "" && $2 != me { received += $9 - 8 }
        $13 != "" {
            n = split($13, severity, ";")
            split($14, message, ";")
            for (i = 1; i <= n; i++)
                if (severity[i] + 0 >= 4194304 && message[i] !~ allowed && !(probe && message[i] ~ /\(suspected\) retransmission/) &&
                    !(reported && message[i] ~ /^(D-SACK|Duplicate ACK)/) && !($3 ~ /^1;/ && message[i] ~ /^Bad checksum/) &&
                    message[i] !~ /completely full|[Zz]ero.?[Ww]indow|[Kk]eep.?[Aa]live|window update|[Cc]onnection (reset|finish|establish)|initiates the connection closing|undergoes the connection closing|new tcp session is started with the same ports|is reused|No response seen to ICMP request/)
                    bad(message[i])
        }
        END {
            if (sent < from || received < to) { problems++; printf "payload from the program %d (expected %d), to it %d (expected %d); ", sent, from, received, to }
            if (frames == 0) { problems++; printf "no frame; " }
            for (s in probes)
                if (probes[s] > 1 + of[s] / 50) { problems++; printf "%d tail loss probes in %d frames; ", probes[s], of[s] }
                else if (!reset[s]) silent += probes[s] - dsacks[s]
            if (silent > 1) { problems++; printf "%d tail loss probes repaired something; ", silent }
            if (problems) printf "%d problems in %d frames", problems, frames
            else printf "%d frames, %d bytes from the program, %d to it", frames, sent, received
            exit problems ? 1 : 0
        }' "$table"); then
        ok "capture is clean: $report"
        rm -f "$CAPTURE"
    else
        not_ok "capture: $report"
    fi
    rm -f "$table"
}
