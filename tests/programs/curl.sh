#!/usr/bin/env bash
# curl: 200 MB down and up in both topologies; a slow reader; an error page.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl nft tshark "$PYTHON"

SIZE=200000000
make_data "$WORK/big.data" $SIZE
for topology in direct bridged; do
    topology $topology
    http_peer
    ln -f "$WORK/big.data" "$WORK/www/big.data"

    capture "$topology-down"
    mark
    prog curl -sS -o "$WORK/down.data" -w '%{speed_download}\n' http://$HOST_IP:8000/big.data >"$WORK/speed"
    check_equal "curl download ends with 0" 0 $?
    note "$(awk '{ printf "%.2f Gb/s down", $1 * 8 / 1e9 }' "$WORK/speed")"
    same_file "download of 200 MB" "$WORK/big.data" "$WORK/down.data"
    check_moved to $SIZE
    check_capture 0 $SIZE
    rm -f "$WORK/down.data"

    capture "$topology-up"
    mark
    answer=$(prog curl -sS -T "$WORK/big.data" -w '%{stderr}%{speed_upload}\n' http://$HOST_IP:8000/up.data)
    check_equal "curl upload ends with 0" 0 $?
    check_equal "the peer's sha256 of the upload" "$(sum_of "$WORK/big.data")" "$answer"
    same_file "upload of 200 MB" "$WORK/big.data" "$WORK/www/up.data"
    check_moved from $SIZE
    check_capture $SIZE 0
    rm -f "$WORK/www/up.data"

    # A reader slower than the sender: the window closes and opens, nothing is sent twice.
    capture "$topology-slow"
    head -c 6000000 "$WORK/big.data" >"$WORK/www/slow.data"
    prog curl -sS --limit-rate 3M -o "$WORK/slow.data" http://$HOST_IP:8000/slow.data
    same_file "download by a slow reader" "$WORK/www/slow.data" "$WORK/slow.data"
    check_capture 0 6000000

    capture "$topology-error"
    check_equal "an HTTP error arrives as one" 404 "$(prog curl -s -o /dev/null -w '%{http_code}' http://$HOST_IP:8000/nothing)"
    prog curl -s -o /dev/null http://$HOST_IP:9/
    check_equal "a closed port is refused (curl's 7)" 7 $?
    check_capture 0 0
done
finish
