#!/usr/bin/env bash
# A list of name servers that is not understood: one line, no socket, and no name is resolved past it.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON" getent
topology direct
while read -r value; do
    OPTIONS=("MATNET_DNS=$value")
    probe env
    refused "MATNET_DNS=$value" MATNET_DNS 'expected addresses of name servers'
    timeout 20 nsenter --net="/proc/$PROG_NS/ns/net" -- env "LD_PRELOAD=$LIBRARY" "${OPTIONS[@]}" getent ahosts nowhere.example.test \
        >"$WORK/getent.out" 2>/dev/null
    check_equal "MATNET_DNS=$value: getent finds nothing" 2 $?
    timeout 20 nsenter --net="/proc/$PROG_NS/ns/net" -- env "LD_PRELOAD=$LIBRARY" "${OPTIONS[@]}" "$PYTHON" -c '
import socket
try:
    print(socket.if_nameindex())
except OSError as e:
    print(e.errno)' >"$WORK/index.out" 2>/dev/null
    check_equal "MATNET_DNS=$value: no interface is shown (ENETDOWN)" 100 "$(cat "$WORK/index.out")"
done <<'VALUES'
nonsense
10.88.45.1:0
10.88.45.1,,10.88.45.3
ns.example.org
VALUES
finish
