#!/usr/bin/env bash
# haproxy under the library in front of a kernel server: HTTP and TCP with splice, TLS in front, and a health check that notices.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need haproxy curl socat tshark "$PYTHON"

SIZE=50000000
certificate
cat "$WORK/cert.pem" "$WORK/key.pem" >"$WORK/both.pem"
cat >"$WORK/haproxy.cfg" <<HAPROXY
global
    nbthread 2
    maxconn 500
    stats socket $WORK/stats.sock level admin
defaults
    mode http
    option splice-request
    option splice-response
    option http-keep-alive
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend web
    bind 0.0.0.0:8080
    bind 0.0.0.0:8443 ssl crt $WORK/both.pem alpn h2,http/1.1
    http-request set-header X-Forwarded-For %[src]
    default_backend kernel
backend kernel
    server one $HOST_IP:8000 check inter 200ms fall 2
listen plain
    mode tcp
    bind 0.0.0.0:8081
    server one $HOST_IP:8000
listen nothing
    bind 0.0.0.0:8082
    server one $HOST_IP:9 check inter 200ms fall 1
HAPROXY

topology bridged
http_peer
make_data "$WORK/www/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
capture all
prog_bg haproxy haproxy -db -f "$WORK/haproxy.cfg"
server=$LAST
prog_ready 8080
for way in http://$PROG_IP:8080 http://$PROG_IP:8081 https://$PROG_IP:8443; do
    peer curl -sS --cacert "$WORK/cert.pem" -o "$WORK/out.data" "$way/a.data"
    same_file "50 MB through $way" "$WORK/www/a.data" "$WORK/out.data"
    check_equal "50 MB to the server through $way" "$(sum_of "$WORK/b.data")" \
        "$(peer curl -sS --cacert "$WORK/cert.pem" -T "$WORK/b.data" "$way/up.data")"
    rm -f "$WORK/out.data" "$WORK/www/up.data"
done
check_equal "HTTP/2 in front" 2 "$(peer curl -sS --cacert "$WORK/cert.pem" -o /dev/null -w '%{http_version}' https://$PROG_IP:8443/a.data)"
head -c 1000 "$WORK/b.data" >"$WORK/www/small.data"
check_equal "30 requests over kept connections" "30 200" \
    "$(peer curl -sS -o '/dev/null' -w '%{http_code}\n' "http://$PROG_IP:8080/./[1-30]/small.data" | sort | uniq -c | tr -s ' ' | sed 's/^ //')"
check_equal "the server's error passes" 404 "$(peer curl -s -o /dev/null -w '%{http_code}' http://$PROG_IP:8080/none)"
check_equal "a server that is not there" 503 "$(peer curl -s -o /dev/null -w '%{http_code}' http://$PROG_IP:8082/)"
check_match "the health checks saw it" 'nothing,one,.*,DOWN,' "$(echo 'show stat' | socat - "UNIX-CONNECT:$WORK/stats.sock")"
check_match "the health checks see the other" 'kernel,one,.*,UP,' "$(echo 'show stat' | socat - "UNIX-CONNECT:$WORK/stats.sock")"
check "haproxy ends when told" stop "$server"
check_capture $((6 * SIZE)) $((6 * SIZE))
finish
