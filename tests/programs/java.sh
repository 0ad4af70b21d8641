#!/usr/bin/env bash
# Java, whose sockets are of AF_INET6: HttpServer with a pool of threads, HttpClient, Socket and DatagramChannel.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need java curl wrk socat tshark "$PYTHON"

SIZE=20000000
mkdir -p "$WORK/www"
make_data "$WORK/www/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
make_data "$WORK/www/small.data" 5000
JAVA=(java -Xshare:auto -XX:TieredStopAtLevel=1 -XX:-UsePerfData "$HELPERS/Web.java")

topology bridged
capture server
prog_bg java "${JAVA[@]}" server "$WORK/www" 8080
server=$LAST
prog_ready 8080
peer curl -sS -o "$WORK/out.data" http://$PROG_IP:8080/a.data
same_file "20 MB from HttpServer" "$WORK/www/a.data" "$WORK/out.data"
check_equal "20 MB to HttpServer" "$(sum_of "$WORK/b.data")" "$(peer curl -sS -T "$WORK/b.data" http://$PROG_IP:8080/up.data)"
report=$(peer wrk -t 1 -c 20 -d 1s http://$PROG_IP:8080/small.data)
check_match "wrk, 20 kept connections" 'Requests/sec: +[1-9][0-9]+' "$report"
check_equal "wrk, 20 kept connections: errors" 0 "$(printf '%s' "$report" | grep -cE 'Socket errors|Non-2xx')"
check "java ends when told" stop "$server"
check_capture $SIZE $SIZE

topology bridged
http_peer
peer_bg echo socat UDP4-RECVFROM:9000,fork EXEC:cat
peer_ready 9000 udp
capture client
answer=$(prog "${JAVA[@]}" client http://$HOST_IP:8000 "$WORK/b.data")
check_equal "the client ends with 0" 0 $?
for line in 'put true' 'get true' 'small 50' 'none 404' "options true 300 $HOST_IP $PROG_IP" 'timeout yes' 'refused Connection refused' \
    'datagram to be echoed'; do
    check_match "client: $line" "^$line$" "$answer"
done
check_capture $SIZE $SIZE
finish
