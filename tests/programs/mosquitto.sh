#!/usr/bin/env bash
# MQTT: the broker under the library for the kernel's clients, and the clients under the library with the kernel's broker.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need mosquitto mosquitto_pub mosquitto_sub tshark

SIZE=10000000
make_data "$WORK/a.data" $SIZE
printf 'listener 1883 0.0.0.0\nallow_anonymous true\nuser root\nmax_queued_messages 0\n' >"$WORK/mosquitto.conf"
seq -f 'message %g of many' 2000 >"$WORK/lines"


topology bridged
capture broker
prog_bg broker mosquitto -c "$WORK/mosquitto.conf"
broker=$LAST
prog_ready 1883
in_peer mosquitto_sub -h $PROG_IP -t big -C 1 -N -q 1 >"$WORK/big.data" 2>>"$WORK/peer.err" &
big=$!
in_peer mosquitto_sub -h $PROG_IP -t 'lines/#' -C 2000 -q 2 >"$WORK/lines.got" 2>>"$WORK/peer.err" &
lines=$!
PIDS+=("$big" "$lines")
sleep 0.5
peer mosquitto_pub -h $PROG_IP -t big -q 1 -f "$WORK/a.data"
check_equal "a message of 10 MB is taken" 0 $?
peer mosquitto_pub -h $PROG_IP -t lines/x -q 2 -l <"$WORK/lines"
await 20 dead "$big" || not_ok "the big message does not arrive"
await 20 dead "$lines" || not_ok "the 2000 messages do not arrive"
same_file "a message of 10 MB through the broker" "$WORK/a.data" "$WORK/big.data"
check_equal "2000 messages with quality 2, each once" "$(sum_of "$WORK/lines")" "$(sum_of "$WORK/lines.got")"
peer mosquitto_pub -h $PROG_IP -t kept -r -m "for later"
check_equal "a kept message" "for later" "$(peer mosquitto_sub -h $PROG_IP -t kept -C 1 -W 5)"
# The will is sent when the subscriber goes without a word.
peer_bg will mosquitto_sub -h $PROG_IP -t wills -C 1 -W 10
watcher=$LAST
peer_bg victim mosquitto_sub -h $PROG_IP -t nothing --will-topic wills --will-payload gone
victim=$LAST
sleep 0.5
stop "$victim" KILL
await 10 dead "$watcher"
check_equal "the will of a client that died" gone "$(cat "$WORK/will.log")"
check "mosquitto ends when told" stop "$broker"
check_capture $SIZE $SIZE

topology bridged
peer_bg broker mosquitto -c "$WORK/mosquitto.conf"
peer_ready 1883
capture publish
in_peer mosquitto_sub -h $HOST_IP -t big -C 1 -N -q 1 >"$WORK/big.data" 2>>"$WORK/peer.err" &
big=$!
PIDS+=("$big")
sleep 0.5
prog mosquitto_pub -h $HOST_IP -t big -q 1 -f "$WORK/a.data"
await 20 dead "$big"
same_file "mosquitto_pub sends 10 MB" "$WORK/a.data" "$WORK/big.data"
check_capture $SIZE 8
capture subscribe
preload
in_prog env "${PRELOAD[@]}" mosquitto_sub -h $HOST_IP -t 'lines/#' -C 2000 -q 2 >"$WORK/lines.got" 2>>"$WORK/prog.err" &
lines=$!
PIDS+=("$lines")
sleep 0.7
peer mosquitto_pub -h $HOST_IP -t lines/x -q 2 -l <"$WORK/lines"
await 20 dead "$lines" || not_ok "the 2000 messages do not arrive"
check_equal "mosquitto_sub receives 2000 messages" "$(sum_of "$WORK/lines")" "$(sum_of "$WORK/lines.got")"
check_capture 10000 40000
finish
