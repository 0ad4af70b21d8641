#!/usr/bin/env bash
# Explicit congestion notification (RFC 3168) with the kernel: agreed on when the kernel asks and when the program asks, not by default;
# both directions with packets marked on the way (nft, ip ecn set ce): echoes, CWR, no packet lost or sent again for it. The capture shows it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need curl tshark nft
library_only
SIZE=40000000
mkdir -p "$WORK/www" "$WORK/served"
make_data "$WORK/www/file.data" $SIZE
cp "$WORK/www/file.data" "$WORK/served/file.data"

# flags: each TCP packet of the capture: from (me or peer), S if SYN, A, E, C, code point, payload.
packets() {
    tshark -r "$CAPTURE" -n -Y tcp -T fields -e ip.src -e tcp.flags.syn -e tcp.flags.ack -e tcp.flags.ece -e tcp.flags.cwr \
        -e ip.dsfield.ecn -e tcp.len -e tcp.analysis.retransmission 2>/dev/null |
        awk -F'\t' -v me=$PROG_IP '{
            for (i = 2; i <= 5; i++) $i = ($i == "1" || $i == "True")
            print ($1 == me ? "me" : "peer"), $2 ? "S" : "-", $3 ? "A" : "-", $4 ? "E" : "-", $5 ? "C" : "-", $6 + 0, $7 + 0, $8 == "" ? "-" : "R"
        }' >"$WORK/packets"
}

# count PATTERN: packets whose line matches.
count() { grep -Ec -- "$1" "$WORK/packets"; }

some() { check "$1: $(count "$2") packets" [ "$(count "$2")" -gt 0 ]; }
none() { check_equal "$1" 0 "$(count "$2")"; }

# mark CHAIN HOOK: one capable packet in fifty of those that pass there is marked.
marking() {
    in_peer nft -f - <<NFT
table ip marks {
    counter marked { }
    chain $1 { type filter hook $1 priority $2; ip ecn ect0 numgen inc mod 50 == 49 ip ecn set ce counter name marked; }
}
NFT
}

marked() { in_peer nft list counter ip marks marked | awk '/packets/ { print $2 }'; }

transfer_to_peer() {
    check "an upload" prog curl -sS -T "$WORK/served/file.data" -o /dev/null "http://$HOST_IP:8000/got.data"
    same_file "the file" "$WORK/served/file.data" "$WORK/www/got.data"
}

transfer_from_peer() {
    check "a download" prog curl -sS -o "$WORK/got.data" "http://$HOST_IP:8000/file.data"
    same_file "the file" "$WORK/www/file.data" "$WORK/got.data"
}

# 1. By default nobody asks: the program's SYN is plain.
topology bridged
http_peer
capture default
check "a request" prog curl -sS -o /dev/null -r 0-99999 "http://$HOST_IP:8000/file.data"
packets
some "the program's SYN is plain by default" '^me S - - - 0'
none "and nothing is marked as capable" ' [123] [0-9]+ .$'
check_capture 0 100000

# 2. The program asks; the kernel agrees (its default). What it sends is marked on the way.
marking prerouting -300
capture asking
OPTIONS+=(MATNET_ECN=on)
transfer_to_peer
packets
check "packets were marked: $(marked)" [ "$(marked)" -gt 0 ]
some "the program's SYN asks" '^me S - E C 0'
some "the kernel agrees" '^peer S A E - 0'
some "data of the program is capable" '^me - A . . 2 [1-9]'
none "all of it, that was not sent again" '^me - A . . 0 [1-9][0-9]* -'
none "acknowledgements of the program are not" '^me - A . . [123] 0 '
some "the kernel echoes" '^peer - A E'
some "the program tells that it slowed down" '^me - . . C 2 [1-9]'
check "once an echo, not with each packet: $(count '^me - . . C')" [ "$(count '^me - . . C')" -lt "$(count '^me - A . . 2')" ]
none "nothing was sent again" '^me .* R$'
check_capture $SIZE 0

# 3. The same, and what the kernel sends is marked.
topology bridged
http_peer
marking postrouting 300
capture marked
OPTIONS+=(MATNET_ECN=on)
transfer_from_peer
packets
check "packets were marked: $(marked)" [ "$(marked)" -gt 0 ]
some "marked packets come" '^peer - A . . 3 [1-9]'
some "the program echoes" '^me - A E'
some "the kernel tells that it slowed down" '^peer - . . C'
# Behind a CWR an acknowledgement has no echo until the next mark.
some "then the program does not echo" '^me - A - '
none "nothing was sent again" '^peer .* R$'
check_capture 0 $SIZE

# 4. The kernel asks; the program agrees by default.
topology bridged
in_peer sysctl -qw net.ipv4.tcp_ecn=1
capture asked
prog_bg server "$PYTHON" -m http.server 8080 --bind 0.0.0.0 --directory "$WORK/served"
SERVER=$LAST
prog_ready 8080
marking prerouting -300
check "a download from the program" peer curl -sS -o "$WORK/got.data" "http://$PROG_IP:8080/file.data"
same_file "the file" "$WORK/served/file.data" "$WORK/got.data"
stop "$SERVER" INT
packets
some "the kernel's SYN asks" '^peer S - E C 0'
some "the program agrees" '^me S A E - 0'
some "its data is capable" '^me - A . . 2 [1-9]'
some "the kernel echoes" '^peer - A E'
some "the program tells that it slowed down" '^me - . . C 2 [1-9]'
none "nothing was sent again" '^me .* R$'
check_capture $SIZE 0

# 5. Switched off it does not agree.
topology bridged
in_peer sysctl -qw net.ipv4.tcp_ecn=1
capture off
OPTIONS+=(MATNET_ECN=off)
prog_bg server "$PYTHON" -m http.server 8080 --bind 0.0.0.0 --directory "$WORK/served"
SERVER=$LAST
prog_ready 8080
check "a request" peer curl -sS -o /dev/null -r 0-99 "http://$PROG_IP:8080/file.data"
stop "$SERVER" INT
packets
some "the program does not agree" '^me S A - - 0'
none "and nothing is capable" '^me .* [123] [0-9]+ .$'
finish
