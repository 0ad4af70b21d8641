#!/usr/bin/env bash
# busybox's small programs: wget, nc, ftpget and ftpput, tftp, telnet.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need busybox socat atftpd tshark "$PYTHON"
"$PYTHON" -c 'import pyftpdlib' 2>/dev/null || need python3-pyftpdlib

SIZE=10000000
mkdir -p "$WORK/srv"
chmod 777 "$WORK/srv"
make_data "$WORK/a.data" $SIZE
make_data "$WORK/srv/b.data" $SIZE
topology bridged
http_peer
ln -f "$WORK/srv/b.data" "$WORK/www/b.data"
peer_bg ftpd "$PYTHON" -m pyftpdlib -i 0.0.0.0 -p 2121 -w -u user -P secret -d "$WORK/srv"
peer_bg tftpd atftpd --daemon --no-fork --port 6969 --user root --group root --logfile "$WORK/atftpd.out" "$WORK/srv"
peer_ready 2121
peer_ready 6969 udp

capture wget
prog busybox wget -q -O "$WORK/out.data" http://$HOST_IP:8000/b.data
same_file "wget: 10 MB" "$WORK/srv/b.data" "$WORK/out.data"
check_capture 10 $SIZE
capture ftpget
prog busybox ftpget -u user -p secret -P 2121 $HOST_IP "$WORK/out2.data" b.data
same_file "ftpget: 10 MB" "$WORK/srv/b.data" "$WORK/out2.data"
check_capture 10 $SIZE
capture ftpput
prog busybox ftpput -u user -p secret -P 2121 $HOST_IP put.data "$WORK/a.data"
same_file "ftpput: 10 MB" "$WORK/a.data" "$WORK/srv/put.data"
check_capture $SIZE 10
head -c 300000 "$WORK/a.data" >"$WORK/srv/c.data"
capture tftp
prog busybox tftp -g -r c.data -l "$WORK/out3.data" $HOST_IP 6969
same_file "tftp: 300 kB" "$WORK/srv/c.data" "$WORK/out3.data"
check_capture 1000 300000
capture nc
in_peer socat -t 5 - TCP4-LISTEN:9000,reuseaddr <"$WORK/srv/b.data" >"$WORK/at-peer.data" 2>>"$WORK/peer.err" &
server=$!
PIDS+=("$server")
peer_ready 9000
prog busybox nc $HOST_IP 9000 <"$WORK/a.data" >"$WORK/out4.data"
await 10 dead "$server" || not_ok "the peer's socat does not end"
same_file "nc: 10 MB there" "$WORK/a.data" "$WORK/at-peer.data"
same_file "nc: 10 MB back" "$WORK/srv/b.data" "$WORK/out4.data"
check_capture $SIZE $SIZE
capture telnet
peer_bg telnetd "$PYTHON" "$HELPERS/telnet_server.py" 2323
peer_ready 2323
answer=$({
    sleep 0.3
    printf 'hello there\r\nquit\r\n'
    sleep 0.3
} | prog busybox telnet $HOST_IP 2323 | tr -d '\r')
check_match "telnet" '^HELLO THERE$' "$answer"
check_capture 20 20
finish
