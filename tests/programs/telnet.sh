#!/usr/bin/env bash
# telnet: options negotiated, lines there and back, 20,000 lines to it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need inetutils-telnet tshark "$PYTHON"

topology bridged
peer_bg telnetd "$PYTHON" "$HELPERS/telnet_server.py" 2323
peer_ready 2323
capture telnet
answer=$({
    sleep 0.5
    printf 'hello there\nlines\n'
    sleep 1
    printf 'quit\n'
    sleep 0.5
} | prog inetutils-telnet $HOST_IP 2323 | tr -d '\r')
check_match "the greeting" '^welcome$' "$answer"
check_match "a line and its answer" '^HELLO THERE$' "$answer"
seq -f 'line %g' 0 19999 >"$WORK/lines"
check_equal "20000 lines" "$(sum_of "$WORK/lines")" "$(printf '%s\n' "$answer" | grep '^line ' | sha256sum | cut -d' ' -f1)"
check_match "what the options came to" '^negotiated [2-9]' "$answer"
check_capture 20 190000
check_match "a closed port" 'Connection refused' "$(prog sh -c "inetutils-telnet $HOST_IP 9 2>&1" </dev/null)"
finish
