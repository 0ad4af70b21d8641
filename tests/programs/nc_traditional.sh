#!/usr/bin/env bash
# netcat (traditional): client and listener, both ways, and its port scan.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need nc.traditional socat tshark

SIZE=10000000
make_data "$WORK/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
topology bridged
capture client
in_peer socat -t 5 - TCP4-LISTEN:9000,reuseaddr <"$WORK/b.data" >"$WORK/at-peer.data" 2>>"$WORK/peer.err" &
server=$!
PIDS+=("$server")
peer_ready 9000
prog nc.traditional -n -q 5 $HOST_IP 9000 <"$WORK/a.data" >"$WORK/at-prog.data"
await 10 dead "$server" || not_ok "the peer's socat does not end"
same_file "client to listener" "$WORK/a.data" "$WORK/at-peer.data"
same_file "listener to client" "$WORK/b.data" "$WORK/at-prog.data"
check_capture $SIZE $SIZE

capture listener
preload
in_prog env "${PRELOAD[@]}" nc.traditional -n -l -q 5 -p 9001 <"$WORK/a.data" >"$WORK/at-prog.data" 2>>"$WORK/prog.err" &
server=$!
PIDS+=("$server")
call() { in_peer timeout 20 socat -t 5 - "TCP4:$PROG_IP:9001" <"$WORK/b.data" >"$WORK/at-peer.data" 2>>"$WORK/peer.err"; }
check "the kernel's socat reaches nc -l" await 10 call
await 10 dead "$server" || not_ok "nc -l does not end"
same_file "nc -l to client" "$WORK/a.data" "$WORK/at-peer.data"
same_file "client to nc -l" "$WORK/b.data" "$WORK/at-prog.data"
check_capture $SIZE $SIZE

for port in 9010 9012; do
    peer_bg "open$port" socat "TCP4-LISTEN:$port,fork" /dev/null
    peer_ready $port
done
check_equal "the open ports of 9008 to 9014" "9010 9012" \
    "$(prog sh -c "nc.traditional -n -v -z -w 2 $HOST_IP 9008-9014 2>&1" | grep -oE '90[0-9]+ \([^)]*\) open' | cut -d' ' -f1 | sort | paste -sd' ')"
finish
