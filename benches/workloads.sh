# shellcheck shell=bash disable=SC2034,SC2086  # variables of bench.sh and of lib.sh; addresses have no blanks
# The workloads of scripts/bench.sh: one table, and how each is measured.
#
# A line of the table: name | unit | at least | aim | modes | how. At least and aim are ratios of library to kernel; empty
# where the issue names none or where less is better. Modes: q is part of --quick, s of --smoke. How is a function below
# without its `measure_`, and its arguments; `also KEY` is a further figure of the measurement above it. The program, which is
# under the library in the library's column, runs on core 0; its peer on core 1, or on core 0 where it says "1 core".
#
# A measure_ function runs one column. It sets VALUE, OPS (what the CPU time is divided by: round trips, requests, GB), runs what
# is measured inside `window`, and says with `expect` what the device must have carried. It fails with a reason in PROBLEM.

workload_table() {
    cat <<'TABLE'
= Bulk
iperf3 sends, 1 stream, 128 kB writes | Gb/s | 1.0 | 1.3 | qs | iperf from -l 128K
iperf3 receives, 1 stream, 128 kB writes | Gb/s | 1.0 | 1.2 | qs | iperf to -R -l 128K
iperf3 sends, 4 streams, 128 kB writes | Gb/s | | | | iperf from -P 4 -l 128K
iperf3 receives, 4 streams, 128 kB writes | Gb/s | | | | iperf to -R -P 4 -l 128K
iperf3 sends, 16 streams, 128 kB writes | Gb/s | | | q | iperf from -P 16 -l 128K
iperf3 receives, 16 streams, 128 kB writes | Gb/s | | | q | iperf to -R -P 16 -l 128K
iperf3 sends, 1 stream, 1 kB writes | Gb/s | | | q | iperf from -l 1K
iperf3 receives, 1 stream, 1 kB writes | Gb/s | | | | iperf to -R -l 1K
iperf3 sends, 4 streams, 1 kB writes | Gb/s | | | | iperf from -P 4 -l 1K
iperf3 receives, 4 streams, 1 kB writes | Gb/s | | | | iperf to -R -P 4 -l 1K
iperf3 sends, 16 streams, 1 kB writes | Gb/s | | | | iperf from -P 16 -l 1K
iperf3 receives, 16 streams, 1 kB writes | Gb/s | | | | iperf to -R -P 16 -l 1K
curl downloads 1 GB | Gb/s | | | s | curl_bulk down
curl uploads 1 GB | Gb/s | | | | curl_bulk up
= Request and response, the client under the library
TCP 1 B, blocking, 1 core | 1/s | 1.15 | 1.4 | | rr client tcp 1 one block 0
TCP 64 B, blocking, 1 core | 1/s | 1.15 | 1.4 | qs | rr client tcp 64 one block 0
TCP 64 B, blocking, 1 core, spin 50 us | 1/s | | | | rr client tcp 64 one block 50
TCP 1 B, blocking, 2 cores | 1/s | 1.0 | 1.2 | | rr client tcp 1 two block 0
TCP 64 B, blocking, 2 cores | 1/s | 1.0 | 1.2 | qs | rr client tcp 64 two block 0
TCP 1 B, blocking, 2 cores, spin 50 us | 1/s | 2.0 | 4 | | rr client tcp 1 two block 50
TCP 64 B, blocking, 2 cores, spin 50 us | 1/s | 2.0 | 4 | q | rr client tcp 64 two block 50
TCP 1 B, epoll, 1 core | 1/s | 1.0 | 1.3 | | rr client tcp 1 one epoll 0
TCP 64 B, epoll, 1 core | 1/s | 1.0 | 1.3 | qs | rr client tcp 64 one epoll 0
TCP 1 B, epoll, 2 cores | 1/s | 1.0 | 1.2 | | rr client tcp 1 two epoll 0
TCP 64 B, epoll, 2 cores | 1/s | 1.0 | 1.2 | q | rr client tcp 64 two epoll 0
TCP 64 B, epoll, 2 cores, spin 50 us | 1/s | | | | rr client tcp 64 two epoll 50
UDP 1 B, blocking, 1 core | 1/s | | | | rr client udp 1 one block 0
UDP 64 B, blocking, 1 core | 1/s | | | qs | rr client udp 64 one block 0
UDP 1 B, blocking, 2 cores | 1/s | | | | rr client udp 1 two block 0
UDP 64 B, blocking, 2 cores | 1/s | | | | rr client udp 64 two block 0
UDP 64 B, blocking, 2 cores, spin 50 us | 1/s | | | | rr client udp 64 two block 50
UDP 1 B, epoll, 1 core | 1/s | | | | rr client udp 1 one epoll 0
UDP 64 B, epoll, 1 core | 1/s | | | s | rr client udp 64 one epoll 0
UDP 1 B, epoll, 2 cores | 1/s | | | | rr client udp 1 two epoll 0
UDP 64 B, epoll, 2 cores | 1/s | | | | rr client udp 64 two epoll 0
UDP 64 B, epoll, 2 cores, spin 50 us | 1/s | | | | rr client udp 64 two epoll 50
= Request and response, the server under the library
TCP 64 B, epoll server, 1 core | 1/s | 1.0 | 1.3 | qs | rr server tcp 64 one epoll 0
TCP 64 B, epoll server, 2 cores | 1/s | 1.0 | 1.2 | | rr server tcp 64 two epoll 0
TCP 64 B, epoll server, 2 cores, spin 50 us | 1/s | | | | rr server tcp 64 two epoll 50
TCP 64 B, blocking server, 1 core | 1/s | | | | rr server tcp 64 one block 0
TCP 64 B, blocking server, 2 cores | 1/s | | | | rr server tcp 64 two block 0
UDP 64 B, epoll server, 1 core | 1/s | | | | rr server udp 64 one epoll 0
UDP 64 B, epoll server, 2 cores | 1/s | | | | rr server udp 64 two epoll 0
UDP 64 B, blocking server, 2 cores | 1/s | | | | rr server udp 64 two block 0
= Connect, request, close
client, 64 B, 1 core | 1/s | 0.8 | 1.2 | qs | crr client one
client, 64 B, 2 cores | 1/s | 0.8 | 1.2 | q | crr client two
server, 64 B, 1 core | 1/s | 0.8 | 1.2 | s | crr server one
server, 64 B, 2 cores | 1/s | 0.8 | 1.2 | | crr server two
= nginx under the library, wrk outside
1 connection, keep-alive | requests/s | | | | nginx 1 keep-alive
64 connections, keep-alive | requests/s | 1.0 | 1.3 | qs | nginx 64 keep-alive
1000 connections, keep-alive | requests/s | | | q | nginx 1000 keep-alive
1 connection, close | requests/s | | | | nginx 1 close
64 connections, close | requests/s | | | q | nginx 64 close
1000 connections, close | requests/s | | | | nginx 1000 close
= redis under the library, redis-benchmark with 50 connections outside
GET, pipeline 1 | requests/s | 1.0 | 1.3 | qs | redis get 1
SET, pipeline 1 | requests/s | 1.0 | 1.3 | | redis set 1
GET, pipeline 16 | requests/s | 1.0 | 1.2 | q | redis get 16
SET, pipeline 16 | requests/s | 1.0 | 1.2 | s | redis set 16
= UDP packets delivered
sends 64 B, sendto | 1/s | 0.8 | 1.2 | qs | flood send 64 plain plain
sends 64 B, sendmmsg of 32 | 1/s | 0.8 | 1.2 | s | flood send 64 mmsg plain
sends 1400 B, sendto | 1/s | | | | flood send 1400 plain plain
sends 1400 B, sendmsg with UDP_SEGMENT | 1/s | | | | flood send 1400 segment plain
receives 64 B, recvfrom | 1/s | 0.8 | 1.2 | qs | flood receive 64 plain plain
receives 64 B, recvmmsg of 32 | 1/s | 0.8 | 1.2 | s | flood receive 64 plain mmsg
receives 1400 B, recvfrom | 1/s | | | | flood receive 1400 plain plain
receives 1400 B, recvfrom, sent with UDP_SEGMENT | 1/s | | | | flood receive 1400 segment plain
receives 1400 B, UDP_GRO, sent with UDP_SEGMENT | 1/s | | | | flood receive 1400 segment gro
= Start-up, milliseconds
true, wall clock | ms | | | qs | startup true
dd bs=4k, 1 GB, processor time | ms | | | | startup dd
curl of a page, the device is there | ms | | | qs | startup curl
curl of a page, the library makes the device | ms | | | q | startup curl-alone
= Server with 1000 connections
accepted | 1/s | | | qs | conns server 1000 plain
memory of the process, each | kB | | | qs | also process
kernel's slab, each | kB | | | qs | also slab
= Server with 10,000 idle connections
accepted | 1/s | | | q | conns server 10000 plain
memory of the process, each | kB | | | q | also process
kernel's slab, each | kB | | | q | also slab
context switches in 3 s | | | | q | also switches
processor time in 3 s | ms | | | q | also idle
= Epoll server with 10,000 idle connections
accepted | 1/s | | | | conns server 10000 epoll
memory of the process, each | kB | | | | also process
kernel's slab, each | kB | | | | also slab
context switches in 3 s | | | | | also switches
processor time in 3 s | ms | | | | also idle
= Client with 10,000 idle connections
made | 1/s | | | | conns client 10000 plain
memory of the process, each | kB | | | | also process
kernel's slab, each | kB | | | | also slab
context switches in 3 s | | | | | also switches
processor time in 3 s | ms | | | | also idle
TABLE
}

# What a mode means: seconds of a window, of one with whole seconds, requests of redis, starts, bytes of the file, seconds of idling.
case ${MODE:=full} in
smoke) WINDOW=0.2 BULK=(-n 20M) WHOLE=1 REQUESTS=5000 STARTS=5 FILE_SIZE=20000000 IDLE=1 ;;
quick) WINDOW=1 BULK=(-t 1) WHOLE=1 REQUESTS=40000 STARTS=30 FILE_SIZE=1000000000 IDLE=3 ;;
*) WINDOW=1.5 BULK=(-t 2) WHOLE=2 REQUESTS=80000 STARTS=40 FILE_SIZE=1000000000 IDLE=3 ;;
esac

calc() { awk "BEGIN { printf \"%.6g\", $1 }"; }

# problem TEXT: why a measurement failed.
problem() {
    PROBLEM=$*
    return 1
}

# --- bulk ----------------------------------------------------------------------------------------------------------

measure_iperf() { # from|to ARGUMENTS
    local bytes streams=1 direction=$1
    shift
    # What is still in the buffers at the end counts for the device, not for iperf3: some MB a stream at either end.
    [[ " $* " =~ " -P "([0-9]+) ]] && streams=${BASH_REMATCH[1]}
    peer_bg iperf3 taskset -c "$OTHER" iperf3 -s
    peer_ready 5201
    counters_mark
    window prog taskset -c 0 iperf3 -c $HOST_IP "${BULK[@]}" -J "$@" >"$WORK/json" ||
        problem "iperf3: status $?, $(jq -r '.error // empty' "$WORK/json" 2>&1)" || return
    bytes=$(jq -r '.end.sum_received.bytes // 0' "$WORK/json")
    VALUE=$(jq -r '.end.sum_received.bits_per_second / 1e9' "$WORK/json")
    OPS=$(calc "$bytes / 1e9")
    [ "$bytes" -gt 0 ] || problem "iperf3 moved nothing" || return
    expect "$direction" "$bytes" $((bytes + bytes / 8 + streams * 12000000)) 0
}

measure_curl_bulk() { # down|up
    local seen
    if [ "$1" = down ]; then
        peer_bg nginx taskset -c "$OTHER" nginx -p "$WORK" -c "$WORK/peer.conf" -e "$WORK/nginx-error.txt"
        peer_ready 8000
        counters_mark
        window prog taskset -c 0 curl -sS -o /dev/null -w '%{speed_download} %{size_download}\n' http://$HOST_IP:8000/file >"$WORK/figure" ||
            problem "curl: status $?" || return
    else
        peer_bg discard taskset -c "$OTHER" "$PYTHON" "$BENCHES/discard.py" 8001
        peer_ready 8001
        counters_mark
        window prog taskset -c 0 curl -sS -o /dev/null -w '%{speed_upload} %{size_upload}\n' -T "$MEMORY/file" http://$HOST_IP:8001/ >"$WORK/figure" ||
            problem "curl: status $?" || return
    fi
    read -r VALUE seen <"$WORK/figure"
    [ "$seen" = "$FILE_SIZE" ] || problem "curl moved $seen bytes of $FILE_SIZE" || return
    VALUE=$(calc "$VALUE * 8 / 1e9")
    OPS=$(calc "$FILE_SIZE / 1e9")
    expect "$([ "$1" = down ] && echo to || echo from)" "$FILE_SIZE" $((FILE_SIZE + FILE_SIZE / 8 + 1000000)) 0
}

# --- request and response ------------------------------------------------------------------------------------------

measure_rr() { # client|server tcp|udp BYTES one|two block|epoll SPIN
    local role=$1 protocol=$2 bytes=$3 cores=$4 mode=() peer_core=$OTHER
    [ "$cores" = two ] || peer_core=0
    [ "$5" = block ] || mode=(epoll)
    [ "$6" = 0 ] || OPTIONS=("MATNET_SPIN=$6")
    if [ "$role" = client ]; then
        peer_bg rr taskset -c "$peer_core" "$WORK/rr" serve "$protocol" 8002
        peer_ready 8002 "$protocol"
        counters_mark
        window prog taskset -c 0 "$WORK/rr" ask "$protocol" $HOST_IP 8002 "$WINDOW" "$bytes" "${mode[@]}" >"$WORK/figure" ||
            problem "rr: status $?, $(tail -n 1 "$WORK/prog.err")" || return
    else
        prog_bg rr taskset -c 0 "$WORK/rr" serve "$protocol" 8002 "${mode[@]}"
        if [ "$protocol" = tcp ]; then
            prog_ready 8002
        else
            await 10 peer "$WORK/rr" ask udp $PROG_IP 8002 0 1 >/dev/null || problem "rr serve udp does not answer" || return
        fi
        counters_mark
        window peer taskset -c "$peer_core" "$WORK/rr" ask "$protocol" $PROG_IP 8002 "$WINDOW" "$bytes" >"$WORK/figure" ||
            problem "rr: status $?, $(tail -n 1 "$WORK/peer.err")" || return
    fi
    read -r VALUE OPS <"$WORK/figure"
    expect from $((OPS * (bytes + 42))) $((3 * OPS * (bytes + 100) + 1000000)) "$OPS" &&
        expect to $((OPS * (bytes + 42))) $((3 * OPS * (bytes + 100) + 1000000)) "$OPS"
}

measure_crr() { # client|server one|two
    local peer_core=$OTHER
    [ "$2" = two ] || peer_core=0
    if [ "$1" = client ]; then
        peer_bg crr taskset -c "$peer_core" "$WORK/crr" serve 8003
        peer_ready 8003
        counters_mark
        window prog taskset -c 0 "$WORK/crr" ask $HOST_IP 8003 "$WINDOW" 64 >"$WORK/figure" ||
            problem "crr: status $?, $(tail -n 1 "$WORK/prog.err")" || return
    else
        prog_bg crr taskset -c 0 "$WORK/crr" serve 8003
        prog_ready 8003
        counters_mark
        window peer taskset -c "$peer_core" "$WORK/crr" ask $PROG_IP 8003 "$WINDOW" 64 >"$WORK/figure" ||
            problem "crr: status $?, $(tail -n 1 "$WORK/peer.err")" || return
    fi
    read -r VALUE <"$WORK/figure"
    # The tool prints a rate only, and its last connection may end behind the window: two of a hundred are let off.
    OPS=$(awk -v r="$VALUE" -v s="$WINDOW" 'BEGIN { printf "%d", r * s }')
    expect from $((OPS * 115)) $((OPS * 1000 + 1000000)) $((OPS * 196 / 100)) &&
        expect to $((OPS * 115)) $((OPS * 1000 + 1000000)) $((OPS * 196 / 100))
}

# --- servers -------------------------------------------------------------------------------------------------------

measure_nginx() { # CONNECTIONS keep-alive|close
    local header=() report
    [ "$2" = keep-alive ] || header=(-H "Connection: close")
    prog_bg nginx taskset -c 0 nginx -p "$WORK" -c "$WORK/program.conf" -e "$WORK/nginx-error.txt"
    prog_ready 8080
    counters_mark
    window peer taskset -c "$OTHER" wrk -t 1 -c "$1" -d "${WHOLE}s" "${header[@]}" http://$PROG_IP:8080/page >"$WORK/figure" ||
        problem "wrk: status $?" || return
    report=$(<"$WORK/figure")
    if grep -E 'Socket errors|Non-2xx' "$WORK/figure" >"$WORK/errors"; then
        problem "wrk: $(tr -s ' ' <"$WORK/errors" | tr '\n' ' ')" || return
    fi
    VALUE=$(awk '/Requests\/sec/ { print $2 }' <<<"$report")
    OPS=$(awk '/requests in/ { print $1 }' <<<"$report")
    [ "${OPS:-0}" -gt 0 ] || problem "wrk made no request" || return
    expect from $((OPS * PAGE_SIZE)) $((OPS * (PAGE_SIZE + 1500) + 3000000)) "$OPS" &&
        expect to $((OPS * 40)) $((OPS * 1000 + 3000000)) "$OPS"
}

measure_redis() { # get|set PIPELINE
    prog_bg redis taskset -c 0 redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --appendonly no --dir "$WORK"
    prog_ready 6379
    OPS=$((REQUESTS * ($2 > 1 ? 10 : 1)))
    # The key exists, so that GET answers with a value.
    peer redis-benchmark -h $PROG_IP -c 1 -n 10 -t set --csv >/dev/null || problem "redis-benchmark: status $?" || return
    counters_mark
    window peer taskset -c "$OTHER" redis-benchmark -h $PROG_IP -c 50 -n "$OPS" -P "$2" -t "$1" --csv >"$WORK/figure" ||
        problem "redis-benchmark: status $?" || return
    VALUE=$(awk -F'"' -v t="${1^^}" '$2 == t { print $4 }' "$WORK/figure")
    [ -n "$VALUE" ] || problem "redis-benchmark printed no figure" || return
    expect from $((OPS * 5)) $((OPS * 300 + 1000000)) $((OPS / $2)) && expect to $((OPS * 36)) $((OPS * 300 + 1000000)) $((OPS / $2))
}

# --- UDP -----------------------------------------------------------------------------------------------------------

measure_flood() { # send|receive BYTES HOW-TO-SEND HOW-TO-RECEIVE
    local bytes=$2 sending=() receiving=() sent seconds delivered duplicates reordered receiver
    [ "$3" = plain ] || sending=("$3")
    [ "$4" = plain ] || receiving=("$4")
    rm -f "$WORK/flood.log"
    if [ "$1" = send ]; then
        peer_bg flood taskset -c "$OTHER" "$WORK/flood" receive 8004 "$bytes" "${receiving[@]}"
        receiver=$LAST
        peer_ready 8004 udp
        counters_mark
        window prog taskset -c 0 "$WORK/flood" send $HOST_IP 8004 "$WINDOW" "$bytes" "${sending[@]}" >"$WORK/figure" ||
            problem "flood send: status $?, $(tail -n 1 "$WORK/prog.err")" || return
    else
        prog_bg flood taskset -c 0 "$WORK/flood" receive 8004 "$bytes" "${receiving[@]}"
        receiver=$LAST
        await 10 says flood bound || problem "flood receive: $(<"$WORK/flood.log")" || return
        counters_mark
        window peer taskset -c "$OTHER" "$WORK/flood" send $PROG_IP 8004 "$WINDOW" "$bytes" "${sending[@]}" >"$WORK/figure" ||
            problem "flood send: status $?, $(tail -n 1 "$WORK/peer.err")" || return
    fi
    read -r sent seconds <"$WORK/figure"
    await 10 dead "$receiver" || problem "flood receive saw no end mark behind $sent datagrams" || return
    wait "$receiver" || problem "flood receive: $(tail -n 1 "$WORK/flood.log")" || return
    read -r delivered seconds duplicates reordered < <(tail -n 1 "$WORK/flood.log")
    [ "$duplicates" = 0 ] || problem "$duplicates duplicates" || return
    { [ "$delivered" -gt 0 ] && [ "$delivered" -le "$sent" ]; } || problem "$delivered delivered of $sent" || return
    VALUE=$(calc "$delivered / ($seconds > 0 ? $seconds : 1)")
    OPS=$delivered
    NOTE=$(awk -v s="$sent" -v d="$delivered" 'BEGIN { printf "loss %.1f %%", (s - d) * 100 / s }')
    [ "$reordered" = 0 ] || NOTE="$NOTE, $reordered reordered"
    expect "$([ "$1" = send ] && echo from || echo to)" $((delivered * bytes)) $((sent * (bytes + 60) + 1000000)) 0
}

# --- start-up ------------------------------------------------------------------------------------------------------

measure_startup() { # true|dd|curl|curl-alone
    local command which=wall runs=$STARTS bytes=0
    preload
    case $1 in
    true) command=(true) runs=$((STARTS * 4)) ;;
    dd) command=(dd if=/dev/zero of=/dev/null bs=4k count=250000 status=none) which=cpu runs=$((STARTS / 6)) ;;
    curl | curl-alone)
        command=(curl -sS -o /dev/null "http://$HOST_IP:8000/page")
        bytes=$((runs * PAGE_SIZE))
        if [ "$1" = curl-alone ] && [ -z "$NATIVE" ]; then
            # Its counters go with it.
            in_prog ip link delete "$DEVICE"
            bytes=0
        fi
        peer_bg nginx taskset -c "$OTHER" nginx -p "$WORK" -c "$WORK/peer.conf" -e "$WORK/nginx-error.txt"
        peer_ready 8000
        ;;
    esac
    counters_mark
    window in_prog taskset -c 0 "$PYTHON" "$BENCHES/startup.py" "$runs" $which "${PRELOAD[@]}" -- "${command[@]}" >"$WORK/figure" 2>"$WORK/startup.txt" ||
        problem "$(tail -n 1 "$WORK/startup.txt")" || return
    VALUE=$(<"$WORK/figure")
    OPS=$runs
    [ $bytes = 0 ] || expect to $bytes $((bytes + runs * 3000)) "$runs"
}

# --- many connections ----------------------------------------------------------------------------------------------

# What a process has for itself, in kB.
process_memory() { awk '/^Private_Dirty/ { s += $2 } END { print s + 0 }' "/proc/$1/smaps_rollup"; }
# Objects of the kernel's slab that are in use, in kB: of the whole machine, but without those of files and processes, which
# come and go with other work.
slab_memory() {
    awk 'NR > 2 && $1 !~ /^(ext4|jbd2|bio|buffer_head|radix_tree|vm_area|anon_vma|maple|task|mm_struct|files_cache|sig|pid|fs_cache|cred|kernfs|proc|shmem|inode)/ {
        s += $2 * $4
    } END { printf "%d", s / 1024 }' /proc/slabinfo
}
# The sockets of the namespaces before are gone some time after them; until then the figure falls.
slab_settles() {
    local before now=$1 i
    for ((i = 0; i < 20; i++)); do
        before=$now
        sleep 0.5
        now=$(slab_memory)
        [ $((before - now)) -gt 50 ] || return 0
    done
}
context_switches() { cat "/proc/$1"/task/*/status | awk '/ctxt_switches/ { s += $2 } END { print s + 0 }'; }
processor_time() { awk '{ print ($14 + $15) * 10 }' "/proc/$1/stat"; }
says() { grep -qs "^$2" "$WORK/$1.log"; }

measure_conns() { # client|server N plain|epoll
    local n=$2 mode=() server client program process slab switches idle rate
    [ "$3" = plain ] || mode=(epoll)
    # A connection in an epoll set may take a descriptor of the library's own, above the soft limit.
    if [ "$3" = epoll ] && [ "$n" -gt $(($(ulimit -Hn) - $(ulimit -Sn) - 100)) ]; then
        n=$(($(ulimit -Hn) - $(ulimit -Sn) - 100))
        NOTE="$n connections, more open files are not allowed here"
    fi
    rm -f "$WORK/go" "$WORK/server.log" "$WORK/client.log"
    if [ "$1" = server ]; then
        prog_bg server taskset -c 0 "$WORK/conns" serve 8005 "$n" "${mode[@]}"
        server=$LAST
        await 10 says server bound || problem "conns serve: $(<"$WORK/server.log")" || return
        peer_bg client taskset -c "$OTHER" "$WORK/conns" connect $PROG_IP 8005 "$n" "$WORK/go"
        client=$LAST
        program=$server
    else
        peer_bg server taskset -c "$OTHER" "$WORK/conns" serve 8005 "$n"
        server=$LAST
        await 10 says server bound || problem "conns serve: $(<"$WORK/server.log")" || return
        prog_bg client taskset -c 0 "$WORK/conns" connect $HOST_IP 8005 "$n" "$WORK/go"
        client=$LAST
        program=$client
    fi
    { await 10 says server listening && await 10 says client ready; } || problem "conns: no first connection: $(cat "$WORK/server.log" "$WORK/client.log" | tr '\n' ' ')" || return
    slab_settles "$(slab_memory)"
    process=$(process_memory "$program")
    slab=$(slab_memory)
    counters_mark
    window many_connected "$server" "$client" || problem "not every connection was made: $(grep -h '^conns:' "$WORK/server.log" "$WORK/client.log" | tr '\n' ' ')" || return
    OPS=$n
    rate=$(awk '/^accepted|^connected/ { print $2 }' "$WORK/$([ "$1" = server ] && echo server || echo client).log")
    VALUE=$rate
    expect from $((n * 2 * 54)) $((n * 1000 + 1000000)) $((n * 2)) || return
    expect to $((n * 2 * 54)) $((n * 1000 + 1000000)) $((n * 2)) || return
    # Acknowledgements are out by then.
    sleep 1
    FIGURES[process]=$(calc "($(process_memory "$program") - $process) / $n")
    FIGURES[slab]=$(calc "($(slab_memory) - $slab) / $n")
    switches=$(context_switches "$program")
    idle=$(processor_time "$program")
    sleep "$IDLE"
    FIGURES[switches]=$(($(context_switches "$program") - switches))
    FIGURES[idle]=$(($(processor_time "$program") - idle))
    # The peer's kernel may ask once for our Ethernet address; anything in step with time or connections is more.
    [ "${FIGURES[switches]}" -le 10 ] || problem "an idle program with $n connections was switched to ${FIGURES[switches]} times in $IDLE s" || return
    { alive "$server" && alive "$client"; } || problem "conns: an end is gone: $(cat "$WORK/server.log" "$WORK/client.log" | tr '\n' ' ')"
}

many_connected() { # SERVER CLIENT
    touch "$WORK/go"
    await 30 many_done "$1" "$2" && says server accepted && says client connected
}
many_done() { { says server accepted && says client connected; } || dead "$1" || dead "$2"; }
