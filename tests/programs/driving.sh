#!/usr/bin/env bash
# Driving: whoever waits attends to the device. Here drivers are stuck in handlers, cancelled, jump away, compute, send from another
# thread; the device vanishes; many threads exchange messages; an idle program has no wake-ups. helpers/driving.c has the scenes.
# alone: it counts wake-ups and times retransmissions
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need cc tshark ip nft
library_only
compile driving
EXPECT_LINES='the device is gone'
MAC=02:00:0a:58:2d:02

# A device and a neighbour entry that need no probes: the kernel's side sends nothing by itself.
begin() {
    topology direct
    in_prog ip tuntap add dev matnet0 mode tap
    in_prog ip addr add $HOST_IP/24 dev matnet0
    in_prog ip link set matnet0 up
    in_prog ip neigh replace $PROG_IP lladdr $MAC dev matnet0 nud permanent
    peer_bg "echo$1" "$WORK/driving" echo 9000
    peer_ready 9000
    peer_bg "late$1" "$WORK/driving" echo 9001
    peer_ready 9001
}

# scene WHAT SCENE [ARGUMENT...]
scene() {
    local what=$1 report
    shift
    report=$(prog "$WORK/driving" "$1" $HOST_IP 9000 "${@:2}" 2>"$WORK/scene.log")
    if [ "$report" = "$1 right" ]; then
        ok "$what"
    else
        not_ok "$what: $report $(head -c 1500 "$WORK/scene.log")"
    fi
}

said() { grep -qxs "$1" "$WORK/$2.log"; }

# until_said WORD NAME: what the program NAME says.
until_said() { await 20 said "$1" "$2" || not_ok "$2 does not say '$1': $(cat "$WORK/$2.log")"; }

begin 1
OPTIONS=("MATNET_MAC=$MAC")
idle=$([ -n "$LONG" ] && echo 3 || echo 1) # seconds without a wake-up
scene "a driver stuck in a handler: the others go on" handler
scene "the same with SA_RESTART: the call goes on" restart
scene "a driver that is cancelled" cancel
scene "a driver that leaves by siglongjmp" jump
scene "a driver that computes" compute
scene "two threads, 25000 round trips each" pingpong 2 25000
scene "sixteen threads, 4000 round trips each" pingpong 16 4000
scene "no wake-up in an idle program" idle "$idle"
scene "a handler that forks" forks
scene "a wait in a handler, left by a jump to that handler" nested
scene "a handler that jumps within itself as a wait begins: the wait goes on" within 0 4000
scene "the same with SA_RESTART" within 1 4000
scene "cancellation while handlers make calls that are cancellation points" storm 1500 0
scene "cancellation while handlers send on sockets" storm 1500 1

# The whole process is stopped now and then.
prog_bg stopped "$WORK/driving" pingpong $HOST_IP 9000 4 8000
for _ in 1 2 3 4; do
    sleep 0.1
    kill -STOP "$LAST"
    sleep 0.2
    kill -CONT "$LAST"
done
check "a process that is stopped and goes on" wait "$LAST"
OPTIONS=("MATNET_MAC=$MAC" MATNET_SPIN=50)
scene "spinning: sixteen threads" pingpong 16 4000
scene "spinning: no wake-up in an idle program" idle "$idle"

# retransmits NAME LEAVES: a thread drives without a deadline while another sends what is dropped.
retransmits() {
    OPTIONS=("MATNET_MAC=$MAC" "MATNET_PCAP=$WORK/$1.pcapng" "GO=$WORK/go$1")
    prog_bg "$1" "$WORK/driving" timers $HOST_IP 9000 9001 "$2"
    until_said ready "$1"
    in_prog nft add table ip drop_it
    in_prog nft add chain ip drop_it input '{ type filter hook input priority 0; }'
    in_prog nft add rule ip drop_it input tcp dport 9001 drop
    : >"$WORK/go$1.ready"
    until_said sent "$1"
    in_prog nft delete table ip drop_it
    : >"$WORK/go$1.sent"
    until_said 'timers right' "$1"
    wait "$LAST"
    # When the segment with the message was sent, seconds after the first time.
    local times
    times=$(tshark -r "$WORK/$1.pcapng" -n -Y 'tcp.dstport == 9001 && tcp.len == 64' -T fields -e frame.time_relative 2>/dev/null |
        awk 'NR == 1 { first = $1 } NR > 1 { printf "%.3f ", $1 - first }')
    # RFC 6298: at the retransmission time-out, then at twice that.
    if awk '{ exit !(NF >= 2 && $1 > 0.15 && $1 < 0.6 && $2 > 1.9 * $1) }' <<<"$times"; then
        ok "retransmissions $3: $times"
    else
        not_ok "retransmissions $3: after '$times' s"
    fi
}
retransmits stays 0 'while a thread drives that had no deadline'
retransmits leaves 1 'after the driver has left'

OPTIONS=("MATNET_MAC=$MAC" "GO=$WORK/govanish")
prog_bg vanish "$WORK/driving" vanish $HOST_IP 9000
until_said ready vanish
in_prog ip link del matnet0
: >"$WORK/govanish.ready"
until_said 'vanish right' vanish
check "the device vanishes: every wait fails, and nothing spins" wait "$LAST"
finish
