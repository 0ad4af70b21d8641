#!/usr/bin/env bash
# Perl: HTTP::Tiny, IO::Socket::INET with buffered lines and with IO::Select, sockets by hand; a server of one process with select.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need perl socat tshark "$PYTHON"

SIZE=10000000
make_data "$WORK/a.data" $SIZE
cat >"$WORK/client.pl" <<'PERL'
use strict; use warnings;
use Digest::SHA qw(sha256_hex); use HTTP::Tiny; use IO::Select; use IO::Socket::INET; use Socket;
my ($host, $file) = @ARGV;
$| = 1;
open(my $in, '<:raw', $file) or die; local $/; my $data = <$in>; my $sum = sha256_hex($data);
my $http = HTTP::Tiny->new(timeout => 20);
my $put = $http->put("http://$host:8000/perl.data", { content => $data });
(my $stored = $put->{content}) =~ s/\s+//;
print "put ", ($stored eq $sum ? 'right' : 'wrong'), "\n";
print "get ", (sha256_hex($http->get("http://$host:8000/perl.data")->{content}) eq $sum ? 'right' : 'wrong'), "\n";
print "none ", $http->get("http://$host:8000/none")->{status}, "\n";

# Buffered lines over a socket, as perl's own layers do it.
my $lines = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 7001, Timeout => 5) or die "lines: $@";
{ local $/ = "\n"; my $right = 0;
  for my $i (1 .. 500) { print $lines "line $i of some\n"; $lines->flush; my $back = <$lines>; $right++ if $back eq "line $i of some\n"; }
  print "lines $right\n"; }
print "peer ", $lines->peerhost, ':', $lines->peerport, "\n";
shutdown($lines, 1); { local $/; my $rest = <$lines>; print "end ", defined $rest && length $rest ? 'no' : 'yes', "\n"; } close $lines;

# Non-blocking, both ways at once.
socket(my $raw, PF_INET, SOCK_STREAM, getprotobyname('tcp')) or die;
connect($raw, pack_sockaddr_in(7001, inet_aton($host))) or die "connect: $!";
$raw->blocking(0);
my ($sent, $back, $read, $write) = (0, '', IO::Select->new($raw), IO::Select->new($raw));
while (length($back) < length($data)) {
    my ($r, $w) = IO::Select->select($read, $sent < length($data) ? $write : undef, undef, 10) or die "select: $!";
    if (@$w) { my $n = syswrite($raw, $data, 65536, $sent); $sent += $n if defined $n; }
    if (@$r) { my $n = sysread($raw, $back, 65536, length $back); last if defined $n && $n == 0; }
}
print "both ways ", (sha256_hex($back) eq $sum ? 'right' : 'wrong'), "\n";
my $udp = IO::Socket::INET->new(Proto => 'udp', PeerAddr => $host, PeerPort => 9000) or die;
$udp->send('a question'); my $answer = '';
$udp->recv($answer, 100) if IO::Select->new($udp)->can_read(5);
print "udp $answer\n";
my $none = IO::Socket::INET->new(PeerAddr => $host, PeerPort => 9, Timeout => 5);
print "refused ", ($none ? 'no' : "$!"), "\n";
PERL
cat >"$WORK/server.pl" <<'PERL'
use strict; use warnings; use IO::Select; use IO::Socket::INET;
my $listener = IO::Socket::INET->new(LocalPort => 7000, Listen => 20, ReuseAddr => 1) or die "listen: $@";
my ($read, $write, %waiting) = (IO::Select->new($listener), IO::Select->new);
while (1) {
    my ($r, $w) = IO::Select->select($read, $write, undef);
    for my $socket (@$r) {
        if ($socket == $listener) { my $new = $listener->accept; $new->blocking(0); $read->add($new); $waiting{$new} = ''; next; }
        my $n = sysread($socket, my $data, 65536);
        next unless defined $n;
        if ($n == 0) { $read->remove($socket); if ($waiting{$socket} eq '') { $write->remove($socket); close $socket; } else { $waiting{$socket . 'end'} = 1; } next; }
        $waiting{$socket} .= $data; $write->add($socket);
        $read->remove($socket) if length $waiting{$socket} > 1_000_000;
    }
    for my $socket (@$w) {
        my $n = syswrite($socket, $waiting{$socket}, 262144);
        next unless defined $n;
        substr($waiting{$socket}, 0, $n) = '';
        if ($waiting{$socket} eq '') {
            $write->remove($socket);
            if ($waiting{$socket . 'end'}) { close $socket; } else { $read->add($socket); }
        }
    }
}
PERL

topology bridged
http_peer
peer_bg echo socat TCP4-LISTEN:7001,fork,reuseaddr EXEC:cat
peer_bg udp socat UDP4-RECVFROM:9000,fork EXEC:cat
peer_ready 7001
peer_ready 9000 udp
capture client
answer=$(prog perl "$WORK/client.pl" $HOST_IP "$WORK/a.data")
check_equal "the client ends with 0" 0 $?
for line in 'put right' 'get right' 'none 404' 'lines 500' "peer $HOST_IP:7001" 'end yes' 'both ways right' 'udp a question' 'refused Connection refused'; do
    check_match "client: $line" "^$line$" "$answer"
done
check_capture $((2 * SIZE)) $((2 * SIZE))

topology bridged
capture server
prog_bg perl perl "$WORK/server.pl"
server=$LAST
prog_ready 7000
pids=()
for i in 1 2 3 4; do
    in_peer socat -t 20 - TCP4:$PROG_IP:7000 <"$WORK/a.data" >"$WORK/back$i.data" 2>>"$WORK/peer.err" &
    pids+=($!)
done
for i in 1 2 3 4; do
    wait "${pids[i - 1]}"
    same_file "select server, four clients at once, $i" "$WORK/a.data" "$WORK/back$i.data"
done
stop "$server"
check_capture $((4 * SIZE)) $((4 * SIZE))
finish
