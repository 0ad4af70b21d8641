#!/usr/bin/env bash
# One line of cases.txt: bytes both ways between the library and the kernel over a bad network, each of them compared by SHA-256.
#
#   integrity.sh NAME [MB]      MB in place of the line's; TEST_LIMIT seconds at most (900)
TEST_LIMIT=${TEST_LIMIT:-900}
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
read -r name mtu megabytes streams cc faults < <(awk -v name="${1:?the name of a case}" '$1 == name' "$FAULTS/cases.txt")
if [ -z "${faults:-}" ]; then
    not_ok "there is no case '$1' in cases.txt"
    exit 1
fi
megabytes=${2:-$megabytes}
[ -z "${STREAMS:-}" ] || streams=$STREAMS
bad_network "$mtu"
TOPOLOGY=$name
emulator_begin "$faults,seed=7"
server_in "$PEER_NS" "$cc"
transfer library both --bytes $((megabytes * 1000000)) --streams "$streams" --cc "$cc" --give-up $((TEST_LIMIT - 20))
status=$?
sent=$(value .bytes)
emulator_end
lost=$(jq -r '"\(.out.lost + .in.lost) lost, \(.out.outage + .in.outage) in the dark, \(.out.queue + .in.queue) queue full, \(.out.corrupted + .in.corrupted) corrupted, \(.out.duplicated + .in.duplicated) twice, \(.out.reordered + .in.reordered) late of \(.out.frames + .in.frames) frames"' "$STATS" 2>/dev/null)
how="$megabytes MB each way, $streams streams each, $cc, mtu $mtu: $(value '"\(.seconds) s, \(.mbit) Mbit/s"'); $lost"
if [ $status = 0 ]; then
    ok "$how"
else
    not_ok "$how; $(value .errors), $sent bytes: $(tail -n 2 "$WORK/prog.err" "$WORK/server.log" 2>/dev/null)"
fi
finish
