#!/usr/bin/env bash
# PostgreSQL's clients under the library with a kernel server (which forks for each connection, see WAITING.md): psql with COPY of 20 MB
# both ways, in the clear and by TLS, and pgbench with 8 clients.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need psql pgbench pg_dump setpriv tshark
BIN=$(dirname "$(find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -1)")
[ -x "$BIN/postgres" ] || need postgres

SIZE=20000000
as() { setpriv --reuid postgres --regid postgres --clear-groups "$@"; }
certificate
mkdir "$WORK/data" "$WORK/run"
chown postgres "$WORK/data" "$WORK/run"
as "$BIN/initdb" -D "$WORK/data" -A trust -U postgres --no-sync --no-instructions >"$WORK/initdb.out" 2>&1 || not_ok "initdb: $(tail -3 "$WORK/initdb.out")"
install -o postgres -m 600 "$WORK/key.pem" "$WORK/cert.pem" "$WORK/data/"
echo "host all all 10.88.45.0/24 trust" >>"$WORK/data/pg_hba.conf"
cat >>"$WORK/data/postgresql.conf" <<PG
listen_addresses = '0.0.0.0'
unix_socket_directories = '$WORK/run'
ssl = on
ssl_cert_file = 'cert.pem'
ssl_key_file = 'key.pem'
fsync = off
jit = off
PG

topology bridged
nsenter --net="/proc/$PEER_NS/ns/net" -- setpriv --reuid postgres --regid postgres --clear-groups \
    "$BIN/postgres" -D "$WORK/data" </dev/null >"$WORK/postgres.log" 2>&1 &
server=$!
PIDS+=("$server")
peer_ready 5432
sql() { prog psql -X -q -A -t -v ON_ERROR_STOP=1 "host=$HOST_IP user=postgres dbname=postgres connect_timeout=10 sslmode=$mode" "$@"; }

base64 -w 99 /dev/urandom | head -c $SIZE | nl -w 1 >"$WORK/in.data"
for mode in disable require; do
    capture "$mode"
    answer=$(sql -c 'SELECT inet_client_addr(), inet_server_port(), 6 * 7' -c 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    check_equal "psql, TLS $mode" "$PROG_IP|5432|42 $([ $mode = require ] && echo t || echo f)" "$(printf %s "$answer" | tr '\n' ' ')"
    check_capture 100 100
    sql -c 'DROP TABLE IF EXISTS t' -c 'CREATE TABLE t (n int, line text)'
    capture "$mode-in"
    sql -c '\copy t FROM STDIN' <"$WORK/in.data"
    check_equal "COPY of 20 MB in ends with 0, TLS $mode" 0 $?
    check_capture $SIZE 100
    capture "$mode-out"
    sql -c '\copy (SELECT * FROM t ORDER BY n) TO STDOUT' >"$WORK/out.data"
    same_file "COPY of 20 MB in and out, TLS $mode" "$WORK/in.data" "$WORK/out.data"
    check_capture 100 $SIZE
done
mode=disable
prog pg_dump -h $HOST_IP -U postgres -d postgres -t t -a | sed -n '/^COPY/,/^\\\./p' | sed '1d;$d' >"$WORK/dump.data"
same_file "pg_dump" "$WORK/in.data" "$WORK/dump.data"
check_match "an error of the server" 'relation "none" does not exist' "$(prog sh -c "psql -X -h $HOST_IP -U postgres -c 'SELECT * FROM none' 2>&1")"
check_match "a closed port" 'Connection refused' "$(prog sh -c "psql -X -h $HOST_IP -p 5433 -U postgres -c 'SELECT 1' 2>&1")"

prog pgbench -i -q -h $HOST_IP -U postgres postgres >"$WORK/pgbench.out" 2>&1
for protocol in simple prepared; do
    capture pgbench-$protocol
    report=$(prog pgbench -h $HOST_IP -U postgres -n -c 8 -j 2 -t 100 -M $protocol postgres)
    check_match "pgbench, 8 clients, $protocol: every transaction" 'transactions actually processed: 800/800' "$report"
    check_match "pgbench, 8 clients, $protocol: none failed" 'failed transactions: 0 ' "$report"
    check_capture 100000 50000
done
check_equal "the sums agree" t "$(sql -c 'SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history)
    AND (SELECT count(*) FROM pgbench_history) = 1600')"
stop "$server" INT || not_ok "the peer's postgres does not end"
finish
