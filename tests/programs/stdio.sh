#!/usr/bin/env bash
# Programs that use C streams on sockets: a server with its connection on 0, 1 and 2, bash's /dev/tcp, perl, busybox.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need cc socat tshark "$PYTHON"
compile inetd

SIZE=5000000
make_data "$WORK/in.data" $SIZE
cat >"$WORK/expected" <<'X'
b'ready\n'
b'1: hello\n'
3000001 True
True
b'about weather\n'
b'from a child\n'
b'child read words\n'
b'6: after\n'
b'6 lines, and this is not flushed'
X

for topology in direct bridged; do
    topology $topology

    prog_bg inetd "$WORK/inetd" 9100
    server=$LAST
    peer "$PYTHON" "$HELPERS/inetd_peer.py" $PROG_IP 9100 >"$WORK/said"
    same_file "a server with its connection on 0, 1 and 2" "$WORK/expected" "$WORK/said"
    await 10 dead "$server" || not_ok "the server does not end"

    peer_bg echo socat TCP-LISTEN:9101,reuseaddr,fork EXEC:cat
    peer_ready 9101
    # shellcheck disable=SC2016  # the inner shell's
    check_equal "bash over /dev/tcp" "one two|3 4|from cat" "$(prog bash -c '
        exec 3<>/dev/tcp/$0/9101
        echo one two >&3
        read -r a <&3
        printf "%d %d\n" 3 4 >&3
        read -r b <&3
        echo from cat >&3
        c=$(head -n 1 <&3)
        echo "$a|$b|$c"' $HOST_IP)"
    if command -v perl >/dev/null; then
        # shellcheck disable=SC2016  # perl's
        check_equal "perl's streams" "got line 1, got line 2" "$(prog perl -MIO::Socket::INET -e '
            my $s = IO::Socket::INET->new("$ARGV[0]:9101") or die "$!";
            $s->autoflush(1);
            print $s "line 1\n"; my $a = <$s>; printf $s "line %d\n", 2; my $b = <$s>;
            chomp($a, $b); print "got $a, got $b\n"' $HOST_IP)"
    fi
    # What nobody reads is given up once, not for the stream and for the socket again.
    peer_bg full "$PYTHON" -c '
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2000)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("", 9103))
s.listen()
time.sleep(100)'
    peer_ready 9103
    OPTIONS=(MATNET_LINGER=3s)
    before=${EPOCHREALTIME/./}
    # shellcheck disable=SC2016  # the inner shell's
    prog bash -c 'exec >/dev/tcp/$0/9103; printf "%0100000d" 1' $HOST_IP
    took=$(((${EPOCHREALTIME/./} - before) / 1000))
    OPTIONS=()
    if [ $took -ge 2900 ] && [ $took -lt 5500 ]; then ok "exit lingers for its time"; else not_ok "exit lingers for $took ms"; fi
    check_equal "python's makefile" "['x\\n', 'y\\n']" "$(prog "$PYTHON" -c '
import socket, sys
s = socket.create_connection((sys.argv[1], 9101))
f = s.makefile("rw")
print("x", file=f); f.flush(); a = f.readline()
print("y", file=f); f.flush(); b = f.readline()
print([a, b])' $HOST_IP)"
    if command -v busybox >/dev/null && busybox wget --help >/dev/null 2>&1; then
        http_peer
        ln -f "$WORK/in.data" "$WORK/www/in.data"
        capture "$topology-busybox"
        if "$MATNET" check "$(command -v busybox)" >/dev/null 2>&1; then
            prog busybox wget -q -O "$WORK/out.data" http://$HOST_IP:8000/in.data
            same_file "busybox wget" "$WORK/in.data" "$WORK/out.data"
            check_capture 0 $SIZE
        fi
        rm -f "$WORK/out.data"
    fi
done
finish
