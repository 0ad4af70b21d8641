#!/usr/bin/env bash
# Programs that go into the background by themselves: before their first socket, or after one, when the device is still the parent's for a
# moment.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need mosquitto mosquitto_pub redis-server redis-cli memcached iperf3 socat tshark "$PYTHON"

# remember FILE: the daemon's pid, to end it with the test.
remember() {
    await 5 test -s "$1" || {
        not_ok "no pid in $1"
        exit 1
    }
    LAST=$(tr -d '\0\n' <"$1")
    PIDS+=("$LAST")
}

cat >"$WORK/daemon.py" <<'PY'
import os, socket, sys, time
spare = socket.socket()
if os.fork():
    time.sleep(float(sys.argv[1]))
    os._exit(0)
os.setsid()
listener = socket.create_server(("0.0.0.0", 7000))
with open(sys.argv[2], "w") as f:
    f.write(str(os.getpid()))
client, _ = listener.accept()
while data := client.recv(65536):
    client.sendall(data)
PY
head -c 1000000 /dev/urandom >"$WORK/a.data"
for seconds in 0 0.3; do
    topology bridged
    capture "daemon-$seconds"
    rm -f "$WORK/pid"
    prog "$PYTHON" "$WORK/daemon.py" $seconds "$WORK/pid"
    remember "$WORK/pid"
    peer socat -t 5 - TCP4:$PROG_IP:7000 <"$WORK/a.data" >"$WORK/back.data"
    same_file "a child whose parent leaves $seconds s later serves" "$WORK/a.data" "$WORK/back.data"
    await 5 dead "$LAST"
    check_capture 1000000 1000000
done

OPTIONS=()
topology bridged
printf 'listener 1883 0.0.0.0\nallow_anonymous true\nuser root\npid_file %s/mosquitto.pid\n' "$WORK" >"$WORK/mosquitto.conf"
prog mosquitto -d -c "$WORK/mosquitto.conf"
remember "$WORK/mosquitto.pid"
prog_ready 1883
check "mosquitto -d, which makes a socket before it forks" peer mosquitto_pub -h $PROG_IP -t x -m y -q 1

topology bridged
prog redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --dir "$WORK" --daemonize yes --pidfile "$WORK/redis.pid" >/dev/null
remember "$WORK/redis.pid"
prog_ready 6379
check_equal "redis-server --daemonize yes" PONG "$(peer redis-cli -h $PROG_IP ping)"

topology bridged
prog memcached -d -u root -l 0.0.0.0 -P "$WORK/memcached.pid"
remember "$WORK/memcached.pid"
prog_ready 11211
check_match "memcached -d" '^VERSION' "$(printf 'version\r\nquit\r\n' | in_peer socat -t 5 - TCP4:$PROG_IP:11211)"

topology bridged
prog iperf3 -s -D -I "$WORK/iperf3.pid"
remember "$WORK/iperf3.pid"
prog_ready 5201
check "iperf3 -s -D" peer iperf3 -c $PROG_IP -n 1M >/dev/null
finish
