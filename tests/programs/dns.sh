#!/usr/bin/env bash
# Names through the stack (MATNET_DNS): every way of asking, compared line by line with libc's own resolver on the kernel; then
# unmodified programs. Name servers are dnsmasq and one with bad manners (helpers/dns_odd.py), both on the kernel's side.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
EXPECT_LINES='MATNET_DNS: "nonsense": expected addresses of name servers'
need dnsmasq getent curl wget ping tshark "$PYTHON"
compile names
compile names_threads

GOOD=10.88.45.1 ODD=10.88.45.5 SILENT=10.88.45.4 CLOSED=10.88.45.3
mkdir -p "$WORK/etc"
cat >"$WORK/etc/hosts" <<'HOSTS'
127.0.0.1 localhost
::1 localhost ip6-localhost
10.88.45.70 infile.example.test infile  # a comment
10.88.45.71 infile.example.test second
2001:db8::70 infile6
HOSTS
echo 'hosts: mdns4_minimal [NOTFOUND=return] files dns' >"$WORK/etc/nsswitch.conf"
echo 'multi on' >"$WORK/etc/host.conf"

ETC=$WORK/etc

# resolv LINE...: the configuration for what follows; a name server is only libc's own business.
resolv() { printf '%s\n' "$@" >"$ETC/resolv.conf"; }

# asked COMMAND...: as prog, with the files of WORK/etc in /etc.
asked() {
    preload
    # shellcheck disable=SC2016
    timeout -k 5 "$LIMIT" nsenter --net="/proc/$PROG_NS/ns/net" -- unshare -m sh -ec '
        etc=$1; shift
        for f in resolv.conf hosts nsswitch.conf host.conf; do mount --bind "$etc/$f" "/etc/$f"; done
        exec env "$@"' sh "$ETC" "${PRELOAD[@]}" "$@" 2>>"$WORK/prog.err"
}

servers() {
    local ip
    # Each refusal is told, not one a second.
    nsenter --net="/proc/$PEER_NS/ns/net" -- sysctl -qw net.ipv4.icmp_ratelimit=0 2>/dev/null
    for ip in $ODD $SILENT $CLOSED; do in_peer ip addr add "$ip/24" dev veth1; done
    local long
    long=$(printf 'x%.0s' $(seq 250))
    peer_bg dnsmasq dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user=root \
        --bind-interfaces --listen-address=$GOOD --port=53 --local=/test/ --local=/in-addr.arpa/ --local=/ip6.arpa/ --log-facility=- \
        --host-record=web.example.test,web.other.test,10.88.45.77 --host-record=host.example.test,$HOST_IP \
        --host-record=six.example.test,2001:db8::6 --host-record=dual.example.test,10.88.45.78,2001:db8::78 \
        --host-record=a.b.example.test,10.88.45.79 --host-record=deep.sub.example.test,10.88.45.80 \
        --address=/multi.example.test/10.88.45.90 --address=/multi.example.test/10.88.45.91 --address=/multi.example.test/10.99.0.1 \
        --cname=alias.example.test,web.example.test --cname=chain.example.test,alias.example.test \
        --txt-record=long.example.test,"$long","$long","$long","$long","$long","$long","$long","$long" \
        --txt-record=web.example.test,short --host-record=xn--mller-kva.example.test,10.88.45.81
    peer_bg odd "$PYTHON" "$HELPERS/dns_odd.py" $ODD
    peer_bg silent "$PYTHON" "$HELPERS/dns_odd.py" $SILENT silent
    local bound
    for bound in $GOOD $ODD $SILENT; do
        await 10 in_peer sh -c "ss -H -lnu 'sport = :53' | grep -q '$bound:53'" || not_ok "no name server on $bound"
    done
}

# both WHAT SERVERS "RESOLV LINES" ARGUMENT...: names.c natively and under the library.
CASES=()
both() { CASES+=("$(printf '%s\x1f' "$@")"); }

both "plain names" $GOOD "search example.test" web.example.test web a.b alias chain.example.test host multi.example.test \
    six.example.test dual.example.test nowhere.example.test nowhere web.example.test. web. long.example.test
both "search through two domains" $GOOD "search nothing.test sub.example.test example.test" deep web a.b nowhere
both "dots before the search" $GOOD "search sub.example.test example.test|options ndots:3" a.b deep.sub web.example.test
both "domain" $GOOD "domain example.test" web nowhere
both "files before the servers" $GOOD "search example.test" infile infile.example.test second infile6 localhost INFILE
both "addresses" $GOOD "search example.test" 10.88.45.77 10.88.45.70 10.88.45.250 127.0.0.1 \
    @2001:db8::78 @2001:db8::70 @::1 @::ffff:10.88.45.77 2001:db8::78 ::ffff:10.88.45.77
both "edns0, use-vc" $GOOD "search example.test|options edns0 use-vc" web dual.example.test long.example.test 10.88.45.77
both "bad manners" $ODD "search example.test|options timeout:1 attempts:1" good.test liar.test nxdomain.test nodata.test loop.test \
    dangling.test badname.test circle.test onlyv6.test both.test many.test
both "failures" $ODD "search .|options timeout:1 attempts:1" servfail.test refused.test notimp.test formerr.test lame.test halfv6.test
# A second for each question, and the long form asks in 25 ways.
few=(-few)
[ -z "$LONG" ] || few=()
both "a server that is not there, then a live one" "$CLOSED $GOOD" "search example.test|options timeout:1" web nowhere 10.88.45.77
both "a silent server, then a live one" "$SILENT $GOOD" "search example.test|options timeout:1 attempts:1" "${few[@]}" web 10.88.45.77
both "nobody answers" "$SILENT" "search .|options timeout:1 attempts:1" "${few[@]}" web 10.88.45.77
both "nobody is there" "$CLOSED" "search example.test|options timeout:1 attempts:1" web 10.88.45.77
both "rotate" "$GOOD $GOOD" "search example.test|options rotate" web web web
both "not names" $GOOD "search example.test" a..b 0x7f.1 1.2.3.4.5 "$(printf 'x%.0s' $(seq 64))" _srv.web

# turn NAME: all cases in the present topology; natively side by side, for the device has one program at a time.
turn() {
    local line i=0 server list running=()
    for line in "${CASES[@]}"; do
        IFS=$'\x1f' read -ra list <<<"$line"
        i=$((i + 1))
            if [ -n "$NATIVE" ]; then
            ETC=$WORK/etc.$i
            cp -r "$WORK/etc" "$ETC"
            { for server in ${list[1]}; do echo "nameserver $server"; done; tr '|' '\n' <<<"${list[2]}"; } >"$ETC/resolv.conf"
            case_of "$1.$i" "${list[@]:3}" &
            running+=("$!")
        else
            # What the file says of servers is not to be followed.
            { echo nameserver 10.88.45.250; tr '|' '\n' <<<"${list[2]}"; } >"$ETC/resolv.conf"
            OPTIONS=("MATNET_DNS=${list[1]// /,}")
            case_of "$1.$i" "${list[@]:3}"
        fi
    done
    for i in "${running[@]}"; do wait "$i"; done
    ETC=$WORK/etc
}

# case_of OUTPUT ARGUMENT...
case_of() {
    local out=$1
    shift
    asked "$WORK/names" "$@" >"$WORK/$out"
    echo "status $?" >>"$WORK/$out"
}

NATIVE=1
topology bridged
servers
turn native
NATIVE=
topology bridged
servers
MARK_FROM=$(moved from)
turn library
i=0
for line in "${CASES[@]}"; do
    i=$((i + 1))
    if diff "$WORK/native.$i" "$WORK/library.$i" >"$WORK/diff.$i" && grep -q '^status 0' "$WORK/native.$i"; then
        ok "as natively: ${line%%$'\x1f'*} ($(wc -l <"$WORK/native.$i") lines)"
    else
        not_ok "as natively: ${line%%$'\x1f'*}: $(head -20 "$WORK/diff.$i")"
    fi
done
if [ "$(moved from)" -gt "$MARK_FROM" ]; then ok "the questions went over the device"; else not_ok "the device carried nothing"; fi

# Unmodified programs.
resolv 'nameserver 10.88.45.250' 'search example.test'
http_peer
echo hello >"$WORK/www/page"
OPTIONS=("MATNET_DNS=$GOOD")
check_match "getent ahosts" '^10.88.45.77 +STREAM web.example.test' "$(asked getent ahosts web)"
check_match "getent hosts" '^10.88.45.77 +web.example.test alias.example.test' "$(asked getent hosts alias.example.test)"
check_match "getent hosts of an address" '^10.88.45.77 +web.example.test' "$(asked getent hosts 10.88.45.77)"
check_match "getent ahosts of a name beyond ASCII" '^10.88.45.81 +STREAM müller.example.test' "$(LC_ALL=C.UTF-8 asked getent ahosts müller)"
asked getent hosts nowhere >/dev/null
check_equal "getent of nobody" 2 $?
check_equal "curl by name" hello "$(asked curl -sS -m 20 http://host:8000/page)"
check_equal "wget by name" hello "$(asked wget -q -O - -T 20 http://host.example.test:8000/page)"
cp "$(command -v ping)" "$WORK/ping"
check_match "ping by name" '1 received' "$(asked "$WORK/ping" -c 1 -W 5 host)"
check_equal "python" "['10.88.45.77'] ('web.example.test', ['alias.example.test'], ['10.88.45.77']) web.example.test" "$(asked "$PYTHON" -c '
import socket
print(sorted({a[4][0] for a in socket.getaddrinfo("web", 80)}), socket.gethostbyname_ex("alias.example.test"), socket.getfqdn("10.88.45.77"))')"
check_equal "32 threads, 20 names each" "640 {'10.88.45.77'}" "$(asked "$PYTHON" -c '
import socket, concurrent.futures as f
with f.ThreadPoolExecutor(32) as pool:
    found = list(pool.map(lambda i: socket.gethostbyname(f"web.example.test"), range(640)))
print(len(found), set(found))')"
check_equal "no descriptor is left behind" same "$(asked "$PYTHON" -c '
import os, socket
socket.gethostbyname("web")
before = os.dup(0)
os.close(before)
for i in range(20): socket.gethostbyname("web")
after = os.dup(0)
print("same" if before == after else "other")')"

resolv 'nameserver 10.88.45.250' 'search .' 'options timeout:1 attempts:2'
OPTIONS=("MATNET_DNS=$SILENT")
check_equal "threads, cancellation, signals, a jump out of a handler" "first: 0
8 threads: 0 failed
after cancellation: 0
among signals: AGAIN, handled
jumped
after the jump: 0
descriptors: as before" "$(asked "$WORK/names_threads" infile silent.test)"
resolv 'nameserver 10.88.45.250' 'search example.test'
OPTIONS=("MATNET_DNS=$ODD")
check_match "rubbish before the answer is passed over" '^10.88.45.99 ' "$(asked getent ahostsv4 mirror.test)"
check_match "a record of another class is none of ours" '^10.88.45.99 +STREAM' "$(asked getent ahostsv4 chaos.test)"
OPTIONS=(MATNET_DNS=nonsense)
asked getent ahosts web >/dev/null
check_equal "a list that is not understood: no name is resolved past it" 2 $?

# A server that MATNET_BYPASS gives to the kernel.
in_prog ip addr add 10.77.0.1/24 dev lo
nsenter --net="/proc/$PROG_NS/ns/net" -- dnsmasq --keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --pid-file= --user=root \
    --bind-interfaces --listen-address=127.0.0.53,10.77.0.1 --port=53 --local=/test/ --host-record=local.example.test,10.88.45.99 \
    --log-facility=- </dev/null >"$WORK/local.log" 2>&1 &
PIDS+=("$!")
await 10 in_prog sh -c "ss -H -lnu 'sport = :53' | grep -q 127.0.0.53:53" || not_ok "no local name server"
OPTIONS=(MATNET_DNS=127.0.0.53)
check_match "a server on the kernel's loopback" '^10.88.45.99 ' "$(asked getent hosts local)"
OPTIONS=(MATNET_DNS=10.77.0.1 MATNET_BYPASS=10.77.0.0/24)
check_match "a server of MATNET_BYPASS" '^10.88.45.99 ' "$(asked getent hosts local)"
finish
