#!/usr/bin/env bash
# Python's asyncio at one end, then at the other: streams, TLS, sendfile, datagrams, a hundred connections at once.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark "$PYTHON"

SIZE=5000000
make_data "$WORK/a.data" $SIZE
certificate
for side in client server; do
    topology bridged
    capture $side
    if [ $side = client ]; then
        peer_bg server "$PYTHON" "$HELPERS/aio.py" server "$WORK/cert.pem" "$WORK/key.pem" "$WORK/a.data"
        peer_ready 7100
        answer=$(prog "$PYTHON" "$HELPERS/aio.py" client $HOST_IP "$WORK/cert.pem" "$WORK/a.data")
        check_equal "the client ends with 0" 0 $?
    else
        prog_bg server "$PYTHON" "$HELPERS/aio.py" server "$WORK/cert.pem" "$WORK/key.pem" "$WORK/a.data"
        server=$LAST
        prog_ready 7100
        answer=$(peer "$PYTHON" "$HELPERS/aio.py" client $PROG_IP "$WORK/cert.pem" "$WORK/a.data")
        stop "$server"
    fi
    for line in 'plain True' 'tls True' 'hundred 100' 'file True' 'datagrams 100' 'refused True' 'timeout True'; do
        check_match "asyncio is the $side: $line" "^$line$" "$answer"
    done
    check_capture $((2 * SIZE)) $((2 * SIZE))
done
finish
