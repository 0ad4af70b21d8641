#!/usr/bin/env bash
# FTP, where the data connections go either way: lftp, the BSD ftp client and curl under the library against a kernel server, passive
# and active; then pyftpdlib as the server under the library for the kernel's clients.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need lftp tnftp curl tshark "$PYTHON"
"$PYTHON" -c 'import pyftpdlib' 2>/dev/null || need python3-pyftpdlib

SIZE=20000000
mkdir -p "$WORK/server/tree/deep" "$WORK/local"
make_data "$WORK/a.data" $SIZE
make_data "$WORK/server/b.data" $SIZE
for i in $(seq 20); do make_data "$WORK/server/tree/deep/file$i.data" $((i * 1000)); done
FTPD=("$PYTHON" -m pyftpdlib -i 0.0.0.0 -p 2121 -w -u user -P secret -d "$WORK/server")
settings="set net:timeout 10; set net:max-retries 1; set ftp:ssl-allow no; set ftp:use-feat yes"

topology bridged
peer_bg ftpd "${FTPD[@]}"
peer_ready 2121

for mode in passive active; do
    if [ $mode = passive ]; then passive=on; flag=-p; else passive=off; flag=-A; fi
    capture lftp-$mode
    prog lftp -c "$settings; set ftp:passive-mode $passive; open -u user,secret -p 2121 $HOST_IP
        put $WORK/a.data -o put.data; get b.data -o $WORK/got.data
        mirror tree $WORK/local/tree-$mode; ls put.data" >"$WORK/lftp.out"
    check_equal "lftp, $mode, ends with 0" 0 $?
    same_file "lftp, $mode: 20 MB put" "$WORK/a.data" "$WORK/server/put.data"
    same_file "lftp, $mode: 20 MB got" "$WORK/server/b.data" "$WORK/got.data"
    check "lftp, $mode: a directory of 20 files" diff -r "$WORK/server/tree" "$WORK/local/tree-$mode"
    check_match "lftp, $mode: the listing" " $SIZE .* put.data" "$(cat "$WORK/lftp.out")"
    check_capture $SIZE $SIZE
    rm -f "$WORK/got.data" "$WORK/server/put.data"

    capture bsd-$mode
    printf 'user user secret\nbinary\nput %s/a.data put.data\nget b.data %s/got.data\nquit\n' "$WORK" "$WORK" |
        prog tnftp $flag -n -v $HOST_IP 2121 >"$WORK/tnftp.out"
    same_file "ftp, $mode: 20 MB put" "$WORK/a.data" "$WORK/server/put.data"
    same_file "ftp, $mode: 20 MB got" "$WORK/server/b.data" "$WORK/got.data"
    check_capture $SIZE $SIZE
    rm -f "$WORK/got.data" "$WORK/server/put.data"
done

capture lftp-pieces
# lftp itself waits for one answer too many now and then, on the kernel too.
prog lftp -c "$settings; set net:timeout 2; open -u user,secret -p 2121 $HOST_IP; pget -n 4 b.data -o $WORK/got.data"
same_file "lftp: 20 MB over four connections" "$WORK/server/b.data" "$WORK/got.data"
check_capture 0 $SIZE
capture curl-active
prog curl -sS -P - -u user:secret -o "$WORK/got.data" ftp://$HOST_IP:2121/b.data
same_file "curl, active: 20 MB got" "$WORK/server/b.data" "$WORK/got.data"
check_equal "curl, active: 20 MB put" "$(sum_of "$WORK/a.data")" \
    "$(prog curl -sS -P - -u user:secret -T "$WORK/a.data" ftp://$HOST_IP:2121/put.data && sum_of "$WORK/server/put.data")"
rm -f "$WORK/got.data" "$WORK/server/put.data"

topology bridged
capture server
prog_bg ftpd "${FTPD[@]}"
server=$LAST
prog_ready 2121
for mode in passive active; do
    if [ $mode = passive ]; then passive=on; else passive=off; fi
    peer lftp -c "$settings; set ftp:passive-mode $passive; open -u user,secret -p 2121 $PROG_IP
        put $WORK/a.data -o put.data; get b.data -o $WORK/got.data; mirror tree $WORK/local/server-$mode"
    check_equal "the kernel's lftp, $mode, ends with 0" 0 $?
    same_file "server, $mode: 20 MB put" "$WORK/a.data" "$WORK/server/put.data"
    same_file "server, $mode: 20 MB got" "$WORK/server/b.data" "$WORK/got.data"
    check "server, $mode: a directory of 20 files" diff -r "$WORK/server/tree" "$WORK/local/server-$mode"
    rm -f "$WORK/got.data" "$WORK/server/put.data"
done
stop "$server" INT
check_capture $((2 * SIZE)) $((2 * SIZE))
finish
