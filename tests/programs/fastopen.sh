#!/usr/bin/env bash
# TCP Fast Open against the kernel, both ways round: python's sockets and curl --tcp-fastopen; the captures say what was in the SYNs.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl tshark "$PYTHON"
FO=$HELPERS/fastopen.py

# Payload bytes of each SYN of the capture, and the length of its Fast Open option (0: none).
syns() { # FILE CLIENT
    tshark -r "$1" -Y "tcp.flags.syn==1 && tcp.flags.ack==0 && ip.src==$2" -T fields -e tcp.len -e tcp.options.tfo.cookie \
        -e tcp.options.tfo.request 2>/dev/null | awk -F'\t' '{ printf "%s%s%s ", $1, ($2 != "" ? "c" : ""), ($3 != "" ? "r" : "") }'
}

watch() { # NAME
    peer_bg "$1-dump" tshark -q -i "$([ "$TOPOLOGY" = direct ] && [ -z "$NATIVE" ] && echo any || echo veth1)" -f tcp -w "$WORK/$1.pcap"
    DUMP=$LAST
    await 10 grep -qs 'Capturing' "$WORK/$1-dump.log" || note "the capture is slow to begin"
    sleep 0.5
}

unwatch() {
    sleep 1
    stop "$DUMP" INT
}

topology bridged
in_peer sysctl -qw net.ipv4.tcp_fastopen=3
[ -z "$NATIVE" ] || in_prog sysctl -qw net.ipv4.tcp_fastopen=3

# The program is the client.
watch client
peer_bg server "$PYTHON" "$FO" server $HOST_IP 8100 10
await 10 grep -qs ready "$WORK/server.log"
out=$(
    prog "$PYTHON" - "$FO" <<'PY'
import runpy, sys
fo = sys.argv[1]
for count, way, size in ((3, "sendto", 500), (2, "connect", 500), (2, "nonblock", 500), (2, "sendto", 200000), (1, "plain", 500)):
    sys.argv = [fo, "client", "10.88.45.1", "8100", str(count), way, str(size)]
    runpy.run_path(fo)
PY
)
check_equal "a client: every byte arrives" 10 "$(grep -c '^right' <<<"$out")"
check_equal "a client: what it is told" "no_syn_data fail 1,syn_data fail 0 x8,no_syn_data fail 0" \
    "$(uniq -c <<<"${out//right /}" | awk '{ n = $1; $1 = ""; sub(/^ /, ""); printf "%s%s%s", sep, $0, (n > 1 ? " x" n : ""); sep = "," }')"
check_equal "the kernel's server: SYNs with data" 8 "$(grep -c '^syn_data' "$WORK/server.log")"
unwatch
got=$(syns "$WORK/client.pcap" $PROG_IP)
# The first asks; then 508 bytes with a cookie, and of much as many as fit.
check_equal "SYNs of the client" "0r 508c 508c 508c 508c 508c 508c 1420c 1420c 0 " "$got"

# The program is the server.
watch server
prog_bg fo-server "$PYTHON" "$FO" server $PROG_IP 8200 7
await 15 grep -qs ready "$WORK/fo-server.log"
out=$(for way in "3 sendto 500" "2 connect 500" "1 sendto 100000" "1 plain 500"; do
    read -r count how size <<<"$way"
    peer "$PYTHON" "$FO" client $PROG_IP 8200 "$count" "$how" "$size"
done)
check_equal "a server: every byte arrives" 7 "$(grep -c '^right' <<<"$out")"
check_equal "a server: SYNs with data" 5 "$(grep -c '^syn_data' "$WORK/fo-server.log")"
check_equal "the kernel's client is told" 5 "$(grep -c '^right syn_data fail 0' <<<"$out")"
unwatch
check_equal "SYNs of the kernel's client" "0r 508c 508c 508c 508c 1420c 0 " "$(syns "$WORK/server.pcap" $HOST_IP)"

# curl knows the option: TCP_FASTOPEN_CONNECT on Linux. Two requests of one process, so that the second one has the cookie.
cat >"$WORK/www.py" <<'PY'
import http.server, socket, sys
class Server(http.server.ThreadingHTTPServer):
    def server_activate(self):
        self.socket.setsockopt(socket.IPPROTO_TCP, 23, 16)
        super().server_activate()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *args):
        pass
Server((sys.argv[1], 8300), Handler).serve_forever()
PY
watch curl
peer_bg www "$PYTHON" "$WORK/www.py" $HOST_IP
peer_ready 8300
out=$(prog curl -sS --tcp-fastopen http://$HOST_IP:8300/a http://$HOST_IP:8300/b http://$HOST_IP:8300/c)
check_equal "curl --tcp-fastopen" hellohellohello "$out"
unwatch
# (The kernel keeps cookies for all programs.)
check_match "curl's SYNs: a request, then data with the cookie" "^$([ -n "$NATIVE" ] && echo '80c' || echo '0r') [1-9][0-9]+c [1-9][0-9]+c $" "$(syns "$WORK/curl.pcap" $PROG_IP)"
# (Of much data the last segment may be probed with when the peer waits for a processor.)
bad=$(for f in client server curl; do
    tshark -r "$WORK/$f.pcap" -o tcp.check_checksum:FALSE -Y '(tcp.analysis.retransmission && (tcp.flags.syn==1 || tcp.seq<2000)) || tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || _ws.malformed' \
        -T fields -e frame.number -e _ws.col.Info 2>/dev/null | sed "s/^/$f: /"
done)
check_equal "no SYN and nothing that follows it was sent twice, nothing is malformed" "" "$bad"
finish
