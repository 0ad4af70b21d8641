#!/usr/bin/env bash
# Python as client and server: urllib, blocking sockets with threads, timeouts, selectors (epoll), asyncio.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark "$PYTHON"

SIZE=8000000
make_data "$WORK/in.data" $SIZE
cat >"$WORK/fetch.py" <<'PY'
import hashlib, sys, urllib.request
url, path = sys.argv[1:]
with open(path, "rb") as f:
    data = f.read()
with urllib.request.urlopen(url + "in.data", timeout=30) as answer:
    print("down", hashlib.sha256(answer.read()).hexdigest())
request = urllib.request.Request(url + "up.data", data=data, method="PUT")
with urllib.request.urlopen(request, timeout=30) as answer:
    print("up", answer.read().decode().strip())
PY

for topology in direct bridged; do
    topology $topology
    http_peer
    ln -f "$WORK/in.data" "$WORK/www/in.data"
    capture "$topology-urllib"
    mark
    answer=$(prog "$PYTHON" "$WORK/fetch.py" http://$HOST_IP:8000/ "$WORK/in.data")
    sum=$(sum_of "$WORK/in.data")
    check_equal "urllib: down and up" "down $sum up $sum" "$(printf %s "$answer" | tr "\n" " ")"
    check_moved from $SIZE
    check_moved to $SIZE
    check_capture $SIZE $SIZE

    port=9100
    for style in blocking timeout selectors asyncio; do
        # As client.
        port=$((port + 1))
        capture "$topology-$style-client"
        peer_bg "echo-$style" "$PYTHON" "$HELPERS/stream.py" server blocking $port 1
        peer_ready $port
        mark
        answer=$(prog "$PYTHON" "$HELPERS/stream.py" client $style $HOST_IP $port $SIZE)
        check_match "client, $style: $SIZE bytes came back right" "^$SIZE [0-9a-f]{64}$" "$answer"
        check_moved from $SIZE
        check_moved to $SIZE
        check_capture $SIZE $SIZE
        # As server, two clients at once.
        port=$((port + 1))
        capture "$topology-$style-server"
        prog_bg "server-$style" "$PYTHON" "$HELPERS/stream.py" server $style $port 3
        server=$LAST
        prog_ready $port
        peer "$PYTHON" "$HELPERS/stream.py" client blocking $PROG_IP $port $SIZE >"$WORK/one" &
        one=$!
        answer=$(peer "$PYTHON" "$HELPERS/stream.py" client blocking $PROG_IP $port $SIZE)
        wait $one
        check_match "server, $style: first client's bytes" "^$SIZE [0-9a-f]{64}$" "$answer"
        check_match "server, $style: second client's bytes" "^$SIZE [0-9a-f]{64}$" "$(cat "$WORK/one")"
        await 10 dead "$server" || not_ok "server, $style: does not end after its clients"
        stop "$server"
        check_capture $((2 * SIZE)) $((2 * SIZE))
    done
done
finish
