#!/usr/bin/env bash
# nginx in a single process serves the kernel's curl and 50 keep-alive connections of wrk.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need nginx curl wrk tshark

SIZE=200000000
mkdir -p "$WORK/root" "$WORK/temporary"
make_data "$WORK/root/big.data" $SIZE
head -c 612 /dev/zero | tr '\0' x >"$WORK/root/page"
cat >"$WORK/nginx.conf" <<NGINX
daemon off;
master_process off;
worker_processes 1;
user root;
pid $WORK/nginx.pid;
error_log $WORK/nginx-error.log warn;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path $WORK/temporary;
    server {
        listen 8080;
        root $WORK/root;
        location /up/ { dav_methods PUT; create_full_put_path on; }
    }
}
NGINX

for topology in direct bridged; do
    topology $topology
    capture "$topology-curl"
    prog_bg nginx nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx-error.log"
    server=$LAST
    prog_ready 8080
    mark
    peer curl -sS -o "$WORK/out.data" -w '%{speed_download}\n' http://$PROG_IP:8080/big.data >"$WORK/speed"
    check_equal "the kernel's curl ends with 0" 0 $?
    note "$(awk '{ printf "%.2f Gb/s from nginx", $1 * 8 / 1e9 }' "$WORK/speed")"
    same_file "200 MB from nginx" "$WORK/root/big.data" "$WORK/out.data"
    check_moved from $SIZE
    mark
    head -c 50000000 "$WORK/root/big.data" >"$WORK/in.data"
    check_equal "PUT of 50 MB is created" 201 "$(peer curl -sS -o /dev/null -w '%{http_code}' -T "$WORK/in.data" http://$PROG_IP:8080/up/put.data)"
    same_file "50 MB to nginx" "$WORK/in.data" "$WORK/root/up/put.data"
    check_moved to 50000000
    check "nginx ends when told" stop "$server" QUIT
    check_capture $SIZE 50000000
    rm -f "$WORK/out.data" "$WORK/root/up/put.data"

    OPTIONS=()
    prog_bg nginx nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx-error.log"
    server=$LAST
    prog_ready 8080
    report=$(LIMIT=30 peer wrk -t 2 -c 50 -d 2s http://$PROG_IP:8080/page)
    note "$(printf '%s' "$report" | grep -E 'Requests/sec' | tr -s ' ')"
    check_match "wrk makes requests" 'Requests/sec: +[1-9][0-9]+' "$report"
    if printf '%s' "$report" | grep -E 'Socket errors|Non-2xx' >"$WORK/wrk.errors"; then
        not_ok "wrk: $(cat "$WORK/wrk.errors")"
    else
        ok "wrk, 50 keep-alive connections: no error"
    fi
    report=$(LIMIT=30 peer wrk -t 1 -c 20 -d 1s -H 'Connection: close' http://$PROG_IP:8080/page)
    note "a connection each: $(printf '%s' "$report" | grep -E 'Requests/sec' | tr -s ' ')"
    if printf '%s' "$report" | grep -E 'Socket errors|Non-2xx' >"$WORK/wrk.errors"; then
        not_ok "wrk, a connection for each request: $(cat "$WORK/wrk.errors")"
    else
        check_match "wrk, a connection for each request: no error" 'Requests/sec: +[1-9][0-9]+' "$report"
    fi
    check_equal "a page after wrk" "$(sum_of "$WORK/root/page")" "$(peer curl -sS http://$PROG_IP:8080/page | sha256sum | cut -d' ' -f1)"
    check "nginx ends when told" stop "$server" QUIT

    capture "$topology-keepalive"
    prog_bg nginx nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx-error.log"
    server=$LAST
    prog_ready 8080
    peer wrk -t 1 -c 10 -d 1s http://$PROG_IP:8080/page >/dev/null
    stop "$server" QUIT
    check_capture 1000 1000
    if grep -Ev 'could not build|^$' "$WORK/nginx-error.log" >"$WORK/complaints" 2>/dev/null; then
        not_ok "nginx complains: $(head -3 "$WORK/complaints")"
    fi
done
finish
