#!/usr/bin/env bash
# How fast: the kernel's own TCP over a veth against the library over its TAP, in one run, the two alternating; and what
# the library costs a program that does not use the network. Medians of RUNS runs (default 5), range beside it. As root.
#
#   scripts/bench.sh [RUNS]
TEST_LIMIT=1800
# shellcheck source=../tests/programs/lib.sh
. "$(dirname "$0")/../tests/programs/lib.sh"
need curl iperf3 nginx jq wrk cc taskset "$PYTHON"
RUNS=${1:-5}
COUNTERS=''
SIZE=1000000000

# Files in memory, so that no disk is measured.
[ -d /dev/shm ] && memory=$(mktemp -d /dev/shm/matnet-bench.XXXXXX) || memory=$WORK
ln -s "$memory" "$WORK/memory"
# Both stacks send with cubic. A namespace may choose it only if this list, which is the machine's, allows it.
allowed=$(sysctl -n net.ipv4.tcp_allowed_congestion_control)
case " $allowed " in
*" cubic "*) allowed='' ;;
*) sysctl -qw "net.ipv4.tcp_allowed_congestion_control=$allowed cubic" ;;
esac
trap '[ "$memory" = "$WORK" ] || rm -rf "$memory"
    [ -z "$allowed" ] || sysctl -qw "net.ipv4.tcp_allowed_congestion_control=$allowed"
    cleanup' EXIT
head -c $SIZE /dev/zero >"$memory/file"
mkdir -p "$WORK/temporary"
echo "a page" >"$memory/page"
cat >"$WORK/nginx.conf" <<NGINX
daemon off; master_process off; worker_processes 1; user root;
pid $WORK/nginx.pid; error_log $WORK/nginx-error.log;
events { }
http {
    access_log off; sendfile on; client_max_body_size 0; client_body_temp_path $WORK/temporary;
    server { listen 8000; root $memory; }
}
NGINX
sed "s|listen 8000|listen 8080|; s|nginx.pid|served.pid|; s|nginx-error|served-error|" "$WORK/nginx.conf" >"$WORK/served.conf"
cat >"$WORK/discard.py" <<'PY'
import socket
l = socket.socket()
l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
l.bind(("0.0.0.0", 8001))
l.listen()
buffer = bytearray(1 << 18)
while True:
    c, _ = l.accept()
    head = b""
    while b"\r\n\r\n" not in head:
        head += c.recv(4096)
    headers, body = head.split(b"\r\n\r\n", 1)
    if b"100-continue" in headers:
        c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    left = int([h for h in headers.lower().split(b"\r\n") if h.startswith(b"content-length")][0].split(b":")[1]) - len(body)
    while left:
        left -= c.recv_into(buffer, min(left, len(buffer)))
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    c.close()
PY

cc -O2 -Wall -o "$WORK/rr" "$(dirname "$0")/../benches/rr.c" || exit 2
# What is measured runs on core 0, its peer on core 1; round trips also with both on core 0.
other=$(($(nproc) > 1 ? 1 : 0))
gigabits() { jq -r '.end.sum_received.bits_per_second / 1e9'; }
measure() { # WHAT: one figure in Gb/s
    case $1 in
    "curl download, Gb/s") prog taskset -c 0 curl -sS -o /dev/null -w '%{speed_download}\n' http://$HOST_IP:8000/file | awk '{ print $1 * 8 / 1e9 }' ;;
    "curl upload, Gb/s") prog taskset -c 0 curl -sS -o /dev/null -w '%{speed_upload}\n' -T "$memory/file" http://$HOST_IP:8001/ | awk '{ print $1 * 8 / 1e9 }' ;;
    "iperf3 sends, Gb/s") prog taskset -c 0 iperf3 -c $HOST_IP -t 2 -J | gigabits ;;
    "iperf3 receives, Gb/s") prog taskset -c 0 iperf3 -c $HOST_IP -t 2 -R -J | gigabits ;;
    "64 B round trips/s, 1 core") prog taskset -c 0 "$WORK/rr" ask $HOST_IP 8002 2 64 ;;
    "64 B round trips/s, 2 cores") prog taskset -c 0 "$WORK/rr" ask $HOST_IP 8003 2 64 ;;
    "nginx, wrk 64 keep-alive, req/s")
        prog_bg served taskset -c 0 nginx -p "$WORK" -c "$WORK/served.conf" -e "$WORK/served-error.log" || return
        prog_ready 8080
        peer taskset -c "$other" wrk -t 1 -c 64 -d 2s http://$PROG_IP:8080/page | awk '/Requests\/sec/ { print $2 }'
        stop "$LAST" >/dev/null
        ;;
    esac
}

# medians FILE: median, smallest and largest
medians() { sort -n "$1" | awk '{ a[NR] = $1 } END { printf "%.2f %.2f %.2f\n", (a[int((NR + 1) / 2)] + a[int(NR / 2) + 1]) / 2, a[1], a[NR] }'; }

figures=("curl download, Gb/s" "curl upload, Gb/s" "iperf3 sends, Gb/s" "iperf3 receives, Gb/s"
    "64 B round trips/s, 1 core" "64 B round trips/s, 2 cores" "nginx, wrk 64 keep-alive, req/s")
for run in $(seq "$RUNS"); do
    for stack in kernel library; do
        if [ $stack = kernel ]; then NATIVE=1; else NATIVE=''; fi
        topology direct
        peer_bg nginx taskset -c "$other" nginx -p "$WORK" -c "$WORK/nginx.conf" -e "$WORK/nginx-error.log"
        peer_bg discard taskset -c "$other" "$PYTHON" "$WORK/discard.py"
        peer_bg iperf3 taskset -c "$other" iperf3 -s
        peer_bg near taskset -c 0 "$WORK/rr" serve 8002
        peer_bg far taskset -c "$other" "$WORK/rr" serve 8003
        for port in 8000 8001 5201 8002 8003; do peer_ready $port; done
        for figure in "${figures[@]}"; do measure "$figure" >>"$WORK/${figure//\//-}.$stack"; done
    done
    echo "# run $run of $RUNS" >&2
done
topology_end

printf '%-32s %30s %30s %6s\n' "median (least - most)" "kernel over veth" "library over TAP" ratio
for figure in "${figures[@]}"; do
    read -r k k0 k1 <<<"$(medians "$WORK/${figure//\//-}.kernel")"
    read -r l l0 l1 <<<"$(medians "$WORK/${figure//\//-}.library")"
    printf '%-32s %10s (%8s - %8s) %10s (%8s - %8s) %6s\n' "$figure" "$k" "$k0" "$k1" "$l" "$l0" "$l1" \
        "$(awk -v a="$l" -v b="$k" 'BEGIN { printf "%.2f", b ? a / b : 0 }')"
done

# Programs without network: start-up, and reads and writes of a file.
"$PYTHON" - "$LIBRARY" <<'PY'
import os
import statistics
import sys
import time

library = sys.argv[1]


def run(arguments, preload):
    """Wall clock and processor time of one run, in ms."""
    environment = {"PATH": os.environ["PATH"]}
    if preload:
        environment["LD_PRELOAD"] = library
    begin = time.perf_counter()
    _pid, _status, used = os.wait4(os.posix_spawnp(arguments[0], arguments, environment), 0)
    return (time.perf_counter() - begin) * 1000, (used.ru_utime + used.ru_stime) * 1000


print(f"\n{'ms':<22} {'without':>22} {'with the library':>26} {'more':>8}")
dd = ["dd", "if=/dev/zero", "of=/dev/null", "bs=4k", "count=250000", "status=none"]
for name, arguments, runs, which in (("true, wall clock", ["true"], 400, 0), ("dd bs=4k 1 GB, CPU", dd, 15, 1)):
    times = {False: [], True: []}
    for _ in range(runs):
        for preload in (False, True):
            times[preload].append(run(arguments, preload)[which])
    without, within = statistics.median(times[False]), statistics.median(times[True])
    print(f"{name:<22} {without:>22.3f} {within:>26.3f} {within - without:>8.3f}")
PY
finish
