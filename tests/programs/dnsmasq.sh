#!/usr/bin/env bash
# dnsmasq as the name server under the library (with --no-daemon, where it does not fork for TCP): its own names and names that it asks
# another server for, over UDP and TCP, and files by TFTP.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dnsmasq dig curl tshark

long=$(printf 'x%.0s' $(seq 250))
common=(--no-daemon --no-hosts --no-resolv --conf-file=/dev/null --pid-file= --user=root --log-facility=- --no-ping)
mkdir -p "$WORK/tftp"
make_data "$WORK/tftp/a.data" 1000000
ask() { peer dig +short +time=3 +tries=1 "$@" @$PROG_IP; }

topology bridged
peer_bg upstream dnsmasq "${common[@]}" --port=5300 --address=/far.test/10.9.8.7
peer_ready 5300 udp
capture server
prog_bg dnsmasq dnsmasq "${common[@]}" --port=53 --address=/web.example.test/10.88.45.77 --mx-host=example.test,mail.example.test,10 \
    --txt-record=long.example.test,"$long","$long","$long","$long","$long","$long","$long","$long" --local=/example.test/ \
    --edns-packet-max=4096 --server=$HOST_IP#5300 --cache-size=0 --enable-tftp --tftp-root="$WORK/tftp"
server=$LAST
prog_ready 53
check_equal "an A record over UDP" 10.88.45.77 "$(ask web.example.test A)"
check_equal "an A record over TCP" 10.88.45.77 "$(ask +tcp web.example.test A)"
check_equal "an MX record" "10 mail.example.test." "$(ask example.test MX)"
check_match "no such name" 'status: NXDOMAIN' "$(peer dig +time=3 +tries=1 @$PROG_IP nothing.example.test A)"
check_match "a truncated answer is asked for again over TCP" 'flags:.*ANSWER: 1' \
    "$(peer dig +time=3 +tries=1 +bufsize=512 @$PROG_IP long.example.test TXT)"
check_match "an answer in fragments" 'ANSWER: 1' "$(peer dig +time=3 +tries=1 +bufsize=4096 +ignore @$PROG_IP long.example.test TXT)"
check_equal "a name that the other server knows, over UDP" 10.9.8.7 "$(ask host.far.test A)"
check_equal "a name that the other server knows, over TCP" 10.9.8.7 "$(ask +tcp host.far.test A)"
names=()
for i in $(seq 50); do names+=("n$i.web.example.test" A "n$i.far.test" A); done
check_equal "100 names by one dig" 100 "$(peer dig +short +time=3 +tries=1 @$PROG_IP "${names[@]}" | grep -cE '^10\.(88\.45\.77|9\.8\.7)$')"
peer curl -sS -o "$WORK/out.data" tftp://$PROG_IP/a.data
same_file "1 MB by TFTP" "$WORK/tftp/a.data" "$WORK/out.data"
check "dnsmasq ends when told" stop "$server"
check_capture 1000000 1000
finish
