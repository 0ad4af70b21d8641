#!/usr/bin/env bash
# A MATNET_ name that does not exist: one warning with the nearest name, and the program runs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl "$PYTHON"
topology direct
http_peer
echo "a page" >"$WORK/www/page"
while read -r wrong right; do
    OPTIONS=("$wrong=x")
    rm -f "$WORK/prog.err"
    check_equal "$wrong: the program works" "a page" "$(prog curl -sS http://$HOST_IP:8000/page)"
    check_equal "$wrong: lines printed" 1 "$(lines "$WORK/prog.err" | wc -l)"
    check_match "$wrong: the warning names $right" "$wrong.*$right([^A-Z_]|$)" "$(lines "$WORK/prog.err")"
done <<'NAMES'
MATNET_ADR MATNET_ADDR
MATNET_TAPP MATNET_TAP
MATNET_GATWAY MATNET_GATEWAY
MATNET_LOGFILE MATNET_LOG_FILE
MATNET_PACP MATNET_PCAP
NAMES
# At level error the warning is not printed.
OPTIONS=(MATNET_ADR=x MATNET_LOG=error)
rm -f "$WORK/prog.err"
prog curl -sS -o /dev/null http://$HOST_IP:8000/page
check_equal "MATNET_LOG=error: lines printed" 0 "$(lines "$WORK/prog.err" | wc -l)"
finish
