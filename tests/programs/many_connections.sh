#!/usr/bin/env bash
# Ten thousand connections at once in one process, accepted and made: a byte goes both ways over each, all are closed, and the same
# again. What an idle one takes of memory is bounded, no descriptor is left, and the second round needs no more than the first.
# alone: it measures memory, and needs both processors
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

N=10000
PORTS=4
# The program may have that many; the library's own descriptors go above.
HARD=$(ulimit -Hn)
[ "$HARD" = unlimited ] || [ "$HARD" -ge $((N + 2000)) ] || ulimit -Hn $((N + 2000)) || exit 2
ulimit -Sn $((N + 1000))
compile many

# of STAGE ROUND COLUMN LOG
of() { awk -v s="$1" -v r="$2" -v c="$3" '$1 == s && $2 == r { print $c }' "$WORK/$4.log"; }
reached() { [ -n "$(of "$1" "$2" 1 "$3")" ]; }
descriptors() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }

# stuck PID: what a program that does not go on waits for, and what its peer has unread or unsent.
stuck() {
    local thread
    for thread in "/proc/$1/task"/*; do
        note "thread ${thread##*/} $(cat "$thread/comm"): system call $(cat "$thread/syscall")"
    done
    in_peer ss -tnoi state established | awk '{ q = ($1 ~ /^[0-9]+$/ && $1 + $2 > 0) } q { keep = 2 } keep-- > 0' | head -20 | sed 's/^/# /'
    in_peer ss -s | sed 's/^/# /'
}

# many serve|dial: the program's role; its peer has the other.
run() {
    local stage round side program before each now
    rm -f "$WORK/go"
    mkfifo "$WORK/go"
    exec 9<>"$WORK/go"
    if [ "$1" = serve ]; then
        prog_bg serve "$WORK/many" serve 0.0.0.0 9000 $PORTS $N
        program=$LAST
        await 10 reached start 0 serve || not_ok "many serve: $(cat "$WORK/serve.log")"
        peer_bg dial sh -c "exec $WORK/many dial $PROG_IP 9000 $PORTS $N <$WORK/go"
    else
        peer_bg serve "$WORK/many" serve 0.0.0.0 9000 $PORTS $N
        peer_ready 9000
        prog_bg dial sh -c "exec $WORK/many dial $HOST_IP 9000 $PORTS $N <$WORK/go"
        program=$LAST
    fi
    await 10 reached start 0 dial || not_ok "many dial: $(cat "$WORK/dial.log")"
    before=$(descriptors "$program")
    echo >&9
    for round in 1 2; do
        for stage in established answered closed; do
            for side in serve dial; do
                if ! await 30 reached $stage $round $side; then
                    not_ok "$1, round $round: $side does not come to '$stage': $(tail -n 2 "$WORK/serve.log" "$WORK/dial.log")"
                    stuck "$program"
                    return
                fi
            done
            # A few more are the library's own: event descriptors of its pool.
            if [ $stage = closed ]; then
                now=$(descriptors "$program")
                check "$1, round $round: no descriptor is left ($before before, $now after)" [ "$now" -le $((before + 4)) ]
            fi
            echo >&9
        done
    done
    exec 9>&-
    ok "$1: $N connections, twice, and every byte was right"
    each=$((($(of answered 1 3 "$1") - $(of start 0 3 "$1")) * 1024 / N))
    note "$1: $each bytes of this process for each idle connection; $((($(of answered 1 4 "$1") - $(of start 0 4 "$1")) * 1024 / N)) of the slab, the peer's included"
    if [ -z "$NATIVE" ]; then
        check "$1: an idle connection takes at most 2 kB of the process" [ "$each" -le 2048 ]
        # TIME_WAIT of both rounds, where it is ours.
        check "$1: the second round takes little more than the first" \
            [ "$(of closed 2 3 "$1")" -le $(($(of answered 1 3 "$1") + 9000)) ]
    fi
}

for topology in direct bridged; do
    for role in serve dial; do
        topology $topology
        run $role
        topology_end
    done
done

# The program meets its own limit where it would without the library, although the real one is higher.
topology direct
peer_bg serve "$WORK/many" serve 0.0.0.0 9000 1 1000
peer_ready 9000
few="ulimit -Sn 64; exec $WORK/many dial"
peer sh -c "$few 127.0.0.1 9000 1 100" <<<go >/dev/null
prog sh -c "$few $HOST_IP 9000 1 100" <<<go >/dev/null
native=$(grep '^many:' "$WORK/peer.err" | tail -n 1)
check_match "the kernel refuses the descriptor beyond the limit" 'socket: Too many open files, after [0-9]+' "$native"
check_equal "the library refuses the same one" "$native" "$(grep '^many:' "$WORK/prog.err" | tail -n 1)"
finish
