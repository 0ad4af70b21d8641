#!/usr/bin/env bash
# HTTP/2 and TLS: curl, nghttp, h2load and wrk under the library with a kernel nginx; then nginx and nghttpd under the library, with
# curl and h2load outside.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need nginx curl nghttp nghttpd h2load openssl wrk tshark

SIZE=20000000
certificate
mkdir -p "$WORK/root" "$WORK/temporary"
make_data "$WORK/root/a.data" $SIZE
make_data "$WORK/b.data" 10000000
head -c 3000 "$WORK/b.data" >"$WORK/root/page"
for i in $(seq 20); do make_data "$WORK/root/part$i.data" 500000; done
cat >"$WORK/nginx.conf" <<NGINX
daemon off;
master_process off;
user root;
pid $WORK/nginx.pid;
error_log $WORK/nginx-error.log warn;
events { worker_connections 256; }
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000;
    http2_max_requests 1000000;
    client_max_body_size 0;
    client_body_temp_path $WORK/temporary;
    server {
        listen 8443 ssl http2;
        listen 8080;
        ssl_certificate $WORK/cert.pem;
        ssl_certificate_key $WORK/key.pem;
        root $WORK/root;
        location /up/ { dav_methods PUT; create_full_put_path on; }
    }
}
NGINX
NGINX=(nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx-error.log")

# work RUN BASE: what curl does, by that runner.
work() {
    local run=$1 base=$2 version parts
    for version in 1.1 2; do
        [ "$run" = peer ] || capture "curl-$version"
        $run curl -sS --http$version --cacert "$WORK/cert.pem" -o "$WORK/out.data" -w '%{http_version}' "$base/a.data" >"$WORK/version"
        check_equal "HTTP/$version is spoken" $version "$(cat "$WORK/version")"
        same_file "HTTP/$version: 20 MB down" "$WORK/root/a.data" "$WORK/out.data"
        [ "$run" = peer ] || check_capture 500 $SIZE
        [ "$run" = peer ] || capture "curl-up-$version"
        $run curl -sS --http$version --cacert "$WORK/cert.pem" -T "$WORK/b.data" "$base/up/b.data"
        same_file "HTTP/$version: 10 MB up" "$WORK/b.data" "$WORK/root/up/b.data"
        [ "$run" = peer ] || check_capture 10000000 500
        rm -f "$WORK/out.data" "$WORK/root/up/b.data"
    done
    [ "$run" = peer ] || capture curl-parallel
    $run curl -sS -Z --http2 --cacert "$WORK/cert.pem" -o "$WORK/out#1.data" "$base/part[1-20].data"
    parts=0
    for i in $(seq 20); do cmp -s "$WORK/root/part$i.data" "$WORK/out$i.data" && parts=$((parts + 1)); done
    check_equal "HTTP/2: 20 files at once over one connection" 20 $parts
    [ "$run" = peer ] || check_capture 1000 10000000
}

# all_done WHAT REPORT COUNT: h2load got an answer for each.
all_done() { check_match "$1" "$3 succeeded, 0 failed, 0 errored, 0 timeout" "$2"; }

topology bridged
peer_bg nginx "${NGINX[@]}"
peer_ready 8443
work prog https://$HOST_IP:8443
prog curl -s -o /dev/null https://$HOST_IP:8443/page
check_equal "a certificate that is not trusted (curl's 60)" 60 $?
capture nghttp
prog nghttp --no-verify-peer https://$HOST_IP:8443/a.data >"$WORK/out.data"
same_file "nghttp: 20 MB" "$WORK/root/a.data" "$WORK/out.data"
check_capture 100 $SIZE
capture h2load
all_done "h2load, 10 connections with 10 streams each" "$(prog h2load -n 2000 -c 10 -m 10 https://$HOST_IP:8443/page)" 2000
check_capture 1000 6000000
report=$(prog wrk -t 2 -c 20 -d 1s http://$HOST_IP:8080/page)
check_match "wrk, two threads, 20 kept connections" 'Requests/sec: +[1-9][0-9]+' "$report"
check_equal "wrk: errors" 0 "$(printf '%s' "$report" | grep -cE 'Socket errors|Non-2xx')"
all_done "h2load, HTTP/1.1" "$(prog h2load --h1 -n 2000 -c 10 http://$HOST_IP:8080/page)" 2000

topology bridged
capture nginx
prog_bg nginx "${NGINX[@]}"
server=$LAST
prog_ready 8443
work peer https://$PROG_IP:8443
all_done "nginx for h2load, 10 connections with 10 streams each" "$(peer h2load -n 2000 -c 10 -m 10 https://$PROG_IP:8443/page)" 2000
check_equal "a session is taken up again" 5 \
    "$(peer openssl s_client -connect $PROG_IP:8443 -CAfile "$WORK/cert.pem" -tls1_2 -reconnect </dev/null | grep -c '^Reused')"
check "nginx ends when told" stop "$server" QUIT
check_capture $((2 * SIZE)) 20000000
capture nghttpd
prog_bg nghttpd nghttpd -d "$WORK/root" -n 2 8444 "$WORK/key.pem" "$WORK/cert.pem"
server=$LAST
prog_ready 8444
peer curl -sS --http2 --cacert "$WORK/cert.pem" -o "$WORK/out.data" https://$PROG_IP:8444/a.data
same_file "nghttpd: 20 MB" "$WORK/root/a.data" "$WORK/out.data"
all_done "nghttpd with two threads for h2load" "$(peer h2load -n 3000 -c 10 -m 10 https://$PROG_IP:8444/page)" 3000
stop "$server" INT
check_capture $SIZE 500
finish
