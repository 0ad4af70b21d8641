#!/usr/bin/env bash
# node: its HTTP and HTTPS servers for the kernel's curl and wrk, and its clients (http, https, fetch) with kept connections.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need node curl wrk tshark "$PYTHON"

SIZE=30000000
certificate
mkdir -p "$WORK/www"
make_data "$WORK/www/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
make_data "$WORK/www/small.data" 5000
SERVER=(node "$HELPERS/web.js" server "$WORK/www" 8080 8443 "$WORK/key.pem" "$WORK/cert.pem")

topology bridged
capture server
prog_bg node "${SERVER[@]}"
server=$LAST
prog_ready 8080
for url in http://$PROG_IP:8080 https://$PROG_IP:8443; do
    peer curl -sS --cacert "$WORK/cert.pem" -o "$WORK/out.data" "$url/a.data"
    same_file "30 MB from $url" "$WORK/www/a.data" "$WORK/out.data"
    check_equal "30 MB to $url" "$(sum_of "$WORK/b.data")" "$(peer curl -sS --cacert "$WORK/cert.pem" -T "$WORK/b.data" "$url/up.data")"
    same_file "30 MB to $url, as stored" "$WORK/b.data" "$WORK/www/up.data"
    rm -f "$WORK/out.data" "$WORK/www/up.data"
done
report=$(peer wrk -t 1 -c 20 -d 1s http://$PROG_IP:8080/small.data)
check_match "wrk, 20 kept connections" 'Requests/sec: +[1-9][0-9]+' "$report"
check_equal "wrk, 20 kept connections: errors" 0 "$(printf '%s' "$report" | grep -cE 'Socket errors|Non-2xx')"
check "node ends when its servers are closed" stop "$server"
check_capture $((2 * SIZE)) $((2 * SIZE))

topology bridged
peer_bg node "${SERVER[@]}"
peer_ready 8443
small=$(sum_of "$WORK/www/small.data")
for url in http://$HOST_IP:8080 https://$HOST_IP:8443; do
    capture client
    answer=$(prog node "$HELPERS/web.js" client "$url" "$WORK/b.data" "$WORK/cert.pem")
    check_equal "node's client ends with 0" 0 $?
    for line in 'put true' 'get true' "small 100 $small" 'none 404'; do check_match "client of ${url%%:*}: $line" "^$line$" "$answer"; done
    if [ "${url%%:*}" = http ]; then
        for line in 'fetch true' 'refused ECONNREFUSED'; do check_match "client of http: $line" "^$line$" "$answer"; done
    fi
    check_capture $SIZE $SIZE
done
finish
