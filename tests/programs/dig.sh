#!/usr/bin/env bash
# dig over UDP and TCP against a real name server on the kernel's side.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need dig dnsmasq tshark

for topology in direct bridged; do
    topology $topology
    # The name server listens on every address: in the direct topology the device does not exist yet.
    long=$(printf 'x%.0s' $(seq 250))
    peer_bg dnsmasq dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user=root \
        --port=53 --address=/web.example.test/10.88.45.77 --mx-host=example.test,mail.example.test,10 \
        --txt-record=long.example.test,"$long","$long","$long","$long","$long","$long","$long","$long" \
        --local=/example.test/ --edns-packet-max=4096 --log-facility=-
    peer_ready 53 udp
    capture "$topology"
    mark
    check_equal "an A record over UDP" 10.88.45.77 "$(prog dig +short +time=3 +tries=1 @$HOST_IP web.example.test A)"
    check_equal "an A record over TCP" 10.88.45.77 "$(prog dig +short +tcp +time=3 +tries=1 @$HOST_IP web.example.test A)"
    check_capture 0 20
    check_equal "an MX record" "10 mail.example.test." "$(prog dig +short +time=3 +tries=1 @$HOST_IP example.test MX)"
    check_match "no such name" 'status: NXDOMAIN' "$(prog dig +time=3 +tries=1 @$HOST_IP nothing.example.test A)"
    check_match "a truncated answer is asked for again over TCP" 'flags:.*ANSWER: 1' \
        "$(prog dig +time=3 +tries=1 +bufsize=512 @$HOST_IP long.example.test TXT)"
    check_match "an answer in fragments" 'ANSWER: 1' \
        "$(prog dig +time=3 +tries=1 +bufsize=4096 +ignore @$HOST_IP long.example.test TXT)"
    names=()
    for i in $(seq 50); do names+=("n$i.web.example.test" A); done
    check_equal "50 names in one process" 50 "$(prog dig +short +time=3 +tries=1 @$HOST_IP "${names[@]}" | grep -c '^10.88.45.77$')"
    if [ "$(moved from)" -gt "$MARK_FROM" ]; then ok "the questions went over the device"; else not_ok "the device carried nothing"; fi
    check_match "a port where nobody listens" 'connection refused|no servers could be reached' \
        "$(prog dig +time=1 +tries=1 -p 5353 @$HOST_IP web.example.test A 2>&1)"
done
finish
