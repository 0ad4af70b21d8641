#!/usr/bin/env bash
# TFTP, where the answer comes from another port than the one asked: two clients and curl under the library, then atftpd (threads) as
# the server.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need atftp atftpd curl tshark /usr/bin/tftp

SIZE=1000000
mkdir -p "$WORK/server"
chmod 777 "$WORK/server"
make_data "$WORK/a.data" $SIZE
make_data "$WORK/server/b.data" $SIZE
SERVER=(atftpd --daemon --no-fork --port 6969 --user root --group root --logfile "$WORK/atftpd.out" "$WORK/server")

topology bridged
peer_bg atftpd "${SERVER[@]}"
peer_ready 6969 udp
capture atftp
prog atftp --get --remote-file b.data --local-file "$WORK/got.data" $HOST_IP 6969
same_file "atftp gets 1 MB" "$WORK/server/b.data" "$WORK/got.data"
check_capture 0 $SIZE
capture atftp-put
prog atftp --put --local-file "$WORK/a.data" --remote-file put.data $HOST_IP 6969
same_file "atftp puts 1 MB" "$WORK/a.data" "$WORK/server/put.data"
check_capture $SIZE 0
capture atftp-blocks
prog atftp --option "blksize 8000" --get --remote-file b.data --local-file "$WORK/got8.data" $HOST_IP 6969
same_file "atftp gets 1 MB in blocks of 8000, in fragments" "$WORK/server/b.data" "$WORK/got8.data"
check_capture 0 $SIZE
rm -f "$WORK/got.data" "$WORK/server/put.data"

capture tftp
prog /usr/bin/tftp -m binary $HOST_IP 6969 -c get b.data "$WORK/got.data"
same_file "tftp gets 1 MB" "$WORK/server/b.data" "$WORK/got.data"
check_capture 0 $SIZE
capture tftp-put
prog /usr/bin/tftp -m binary $HOST_IP 6969 -c put "$WORK/a.data" put.data
same_file "tftp puts 1 MB" "$WORK/a.data" "$WORK/server/put.data"
check_capture $SIZE 0
check_match "a file that is not there" 'File not found' "$(prog /usr/bin/tftp -m binary $HOST_IP 6969 -c get none "$WORK/none" 2>&1)"
capture curl
prog curl -sS -o "$WORK/got.data" tftp://$HOST_IP:6969/b.data
same_file "curl gets 1 MB by TFTP" "$WORK/server/b.data" "$WORK/got.data"
check_capture 0 $SIZE
rm -f "$WORK/got.data" "$WORK/server/put.data"

topology bridged
capture server
prog_bg atftpd "${SERVER[@]}"
server=$LAST
got() { peer atftp --tftp-timeout 1 --get --remote-file b.data --local-file "$WORK/got.data" "$PROG_IP" 6969; }
check "atftpd answers" await 10 got
same_file "the kernel's atftp gets 1 MB" "$WORK/server/b.data" "$WORK/got.data"
peer atftp --put --local-file "$WORK/a.data" --remote-file put.data $PROG_IP 6969
same_file "the kernel's atftp puts 1 MB" "$WORK/a.data" "$WORK/server/put.data"
pids=()
for i in 1 2 3 4; do
    in_peer atftp --get --remote-file b.data --local-file "$WORK/got$i.data" $PROG_IP 6969 2>>"$WORK/peer.err" &
    pids+=($!)
done
for i in 1 2 3 4; do
    wait "${pids[i - 1]}"
    same_file "four clients at once, $i" "$WORK/server/b.data" "$WORK/got$i.data"
done
stop "$server"
check_capture $((5 * SIZE)) $SIZE
finish
