#!/usr/bin/env bash
# Ruby: net/http with and without TLS, TCPServer with a thread for each client, UDPSocket, IO.select and non-blocking calls.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need ruby curl tshark "$PYTHON"

SIZE=10000000
make_data "$WORK/a.data" $SIZE
certificate
cat >"$WORK/client.rb" <<'RUBY'
require 'digest'; require 'net/http'; require 'openssl'; require 'socket'; require 'timeout'
host, file, cert = ARGV
data = File.binread(file)
sum = Digest::SHA256.hexdigest(data)
Net::HTTP.start(host, 8000) do |http|
  put = http.send_request('PUT', '/ruby.data', data)
  puts "put #{put.body.strip == sum}"
  puts "get #{Digest::SHA256.hexdigest(http.get('/ruby.data').body) == sum}"
  puts "none #{http.get('/none').code}"
end
context = OpenSSL::SSL::SSLContext.new
context.ca_file = cert
context.verify_mode = OpenSSL::SSL::VERIFY_PEER
tls = OpenSSL::SSL::SSLSocket.new(TCPSocket.new(host, 8443), context)
tls.connect
writer = Thread.new { tls.write(data) }
puts "tls #{Digest::SHA256.hexdigest(tls.read(data.size)) == sum}"
writer.join
tls.close
udp = UDPSocket.new
udp.connect(host, 9000)
udp.send('a question', 0)
puts "udp #{IO.select([udp], nil, nil, 5) && udp.recvfrom(100)[0]}"
socket = Socket.new(:INET, :STREAM)
begin
  socket.connect_nonblock(Socket.sockaddr_in(8443, host))
rescue IO::WaitWritable
  IO.select(nil, [socket], nil, 5)
end
puts "connected #{socket.getsockopt(:SOCKET, :ERROR).int} #{socket.remote_address.ip_port}"
puts "nothing yet #{socket.read_nonblock(10, exception: false).inspect}"
begin
  TCPSocket.new(host, 9)
rescue => e
  puts "refused #{e.class}"
end
RUBY
cat >"$WORK/server.rb" <<'RUBY'
require 'socket'
server = TCPServer.new('0.0.0.0', 7000)
loop do
  Thread.new(server.accept) do |client|
    IO.copy_stream(client, client)
    client.close
  end
end
RUBY

topology bridged
http_peer
# An echo with TLS, and one for datagrams.
peer_bg tls socat "OPENSSL-LISTEN:8443,cert=$WORK/cert.pem,key=$WORK/key.pem,verify=0,fork,reuseaddr" PIPE
peer_bg udp socat UDP4-RECVFROM:9000,fork EXEC:cat
peer_ready 8443
peer_ready 9000 udp
capture client
answer=$(prog ruby "$WORK/client.rb" $HOST_IP "$WORK/a.data" "$WORK/cert.pem")
check_equal "the client ends with 0" 0 $?
for line in 'put true' 'get true' 'none 404' 'tls true' 'udp a question' 'connected 0 8443' 'nothing yet :wait_readable' 'refused Errno::ECONNREFUSED'; do
    check_match "client: $line" "^$line$" "$answer"
done
check_capture $((2 * SIZE)) $((2 * SIZE))

topology bridged
capture server
prog_bg ruby ruby "$WORK/server.rb"
server=$LAST
prog_ready 7000
pids=()
for i in 1 2 3 4; do
    in_peer socat -t 20 - TCP4:$PROG_IP:7000 <"$WORK/a.data" >"$WORK/back$i.data" 2>>"$WORK/peer.err" &
    pids+=($!)
done
for i in 1 2 3 4; do
    wait "${pids[i - 1]}"
    same_file "TCPServer, four clients at once, $i" "$WORK/a.data" "$WORK/back$i.data"
done
stop "$server" KILL
check_capture $((4 * SIZE)) $((4 * SIZE))
finish
