#!/usr/bin/env bash
# chronyd as NTP client under the library and as NTP server, with a kernel chronyd at the other end. No clock is set: -Q only prints, -x
# only serves.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need chronyd tshark

config() { printf 'cmdport 0\nbindcmdaddress /\npidfile %s/%s.pid\nuser root\ndriftfile %s/%s.drift\n' "$WORK" "$1" "$WORK" "$1"; }
{ config server; printf 'local stratum 5\nallow all\n'; } >"$WORK/server.conf"
{ config client; printf 'server %s iburst minpoll 0 maxpoll 0\n' $HOST_IP; } >"$WORK/client.conf"
{ config outside; printf 'server %s iburst minpoll 0 maxpoll 0\n' $PROG_IP; } >"$WORK/outside.conf"
near() { printf '%s' "$1" | grep -oE 'wrong by -?[0-9.]+' | awk '{ exit !($3 < 0.05 && $3 > -0.05) }'; }

topology bridged
peer_bg server chronyd -x -d -f "$WORK/server.conf"
peer_ready 123 udp
capture client
answer=$(prog sh -c "chronyd -Q -t 15 -f $WORK/client.conf 2>&1")
check_equal "chronyd asks and ends with 0" 0 $?
check_match "it got a time" 'System clock wrong by .* seconds \(ignored\)' "$answer"
check "and it is this clock's" near "$answer"
check_capture 144 144

topology bridged
capture server
prog_bg prog-server chronyd -x -d -f "$WORK/server.conf"
server=$LAST
answer=$(peer sh -c "chronyd -Q -t 15 -f $WORK/outside.conf 2>&1")
check_match "the kernel's chronyd got a time" 'System clock wrong by .* seconds \(ignored\)' "$answer"
check "and it is this clock's" near "$answer"
check "chronyd ends when told" stop "$server"
check_capture 144 144
finish
