#!/usr/bin/env bash
# python3 -m http.server under the library serves the kernel's curl.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl tshark "$PYTHON"

SIZE=50000000
mkdir -p "$WORK/served"
make_data "$WORK/served/in.data" $SIZE
echo "a page" >"$WORK/served/page.html"

for topology in direct bridged; do
    topology $topology
    capture "$topology"
    prog_bg server "$PYTHON" -u -m http.server 8000 --directory "$WORK/served"
    server=$LAST
    prog_ready 8000
    mark
    peer curl -sS -o "$WORK/out.data" http://$PROG_IP:8000/in.data
    check_equal "the kernel's curl ends with 0" 0 $?
    same_file "download from the program" "$WORK/served/in.data" "$WORK/out.data"
    check_moved from $SIZE
    check_equal "a page" "a page" "$(peer curl -sS http://$PROG_IP:8000/page.html)"
    urls=()
    for i in $(seq 5); do urls+=(-o "$WORK/page$i" "http://$PROG_IP:8000/page.html"); done
    peer curl -sS -Z --parallel-immediate "${urls[@]}"
    check_equal "5 pages at once (the server's backlog)" 5 "$(cat "$WORK"/page? | grep -c 'a page')"
    check_equal "a file that is not there" 404 "$(peer curl -s -o /dev/null -w '%{http_code}' http://$PROG_IP:8000/none)"
    check "the server ends when told" stop "$server"
    check_capture $SIZE 0
    rm -f "$WORK"/page? "$WORK/out.data"
done
finish
