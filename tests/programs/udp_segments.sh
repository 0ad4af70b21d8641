#!/usr/bin/env bash
# A file in several datagrams a send (UDP_SEGMENT), both ways between the library and the kernel: the bytes, and that the device
# carried them as few large frames (USO). Then with each side sending or receiving them one by one.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need tshark cc
compile segments
SIZE=8000000
make_data "$WORK/in.data" $SIZE

# frames rx|tx: that the device has carried; rx is from the program.
frames() {
    # shellcheck disable=SC2016
    in_prog awk -v c="$([ "$1" = rx ] && echo 3 || echo 11)" '$1 == "matnet0:" { print $c }' /proc/net/dev
}

word() { awk -v n="$1" '{ print $n }' <<<"$2"; }

# transfer from|to SENDER RECEIVER FRAMES: a file from or to the program; SENDER and RECEIVER are plain or empty.
# FRAMES: few or many are expected.
transfer() {
    local way=$1 direction before sent received count
    rm -f "$WORK/out.data"
    if [ "$way" = from ]; then
        direction=rx
        peer_bg receiver "$WORK/segments" receive 9000 "$WORK/out.data" ${3:+"$3"}
        local receiver=$LAST
        peer_ready 9000 udp
    else
        direction=tx
        prog_bg receiver "$WORK/segments" receive 9000 "$WORK/out.data" ${3:+"$3"}
        local receiver=$LAST
        sleep 0.5
    fi
    [ -n "$NATIVE" ] || before=$(frames $direction)
    if [ "$way" = from ]; then
        sent=$(prog "$WORK/segments" send $HOST_IP 9000 "$WORK/in.data" 1400 ${2:+"$2"})
    else
        sent=$(peer "$WORK/segments" send $PROG_IP 9000 "$WORK/in.data" 1400 ${2:+"$2"})
    fi
    check "$way the program, ${2:-several} sent, ${3:-several} received: the receiver ends" await 10 dead "$receiver"
    received=$(cat "$WORK/receiver.log")
    same_file "the file" "$WORK/in.data" "$WORK/out.data"
    check_equal "no batch was repeated" 0 "$(word 5 "$sent")"
    check_equal "every datagram arrived" "$(word 1 "$sent")" "$(word 1 "$received")"
    note "sender: $sent; receiver: $received"
    [ -z "$NATIVE" ] || return 0
    count=$(($(frames $direction) - before))
    if [ "$4" = few ]; then
        check "the device carried $count frames for $(word 1 "$sent") datagrams" [ $count -lt $(($(word 1 "$sent") / 10)) ]
    else
        check "the device carried $count frames for $(word 1 "$sent") datagrams" [ $count -ge "$(word 1 "$sent")" ]
    fi
    if [ "$4$3" = few ]; then
        # Each of them brought many (the last may be one by itself).
        check "they were received together" [ "$(word 3 "$received")" -lt $(($(word 1 "$received") / 10)) ]
    else
        check "they were received one by one" [ "$(word 3 "$received")" -ge "$(word 1 "$received")" ]
    fi
}

topology bridged
for way in from to; do
    capture "$way"
    transfer $way '' '' few
    if [ $way = from ]; then check_capture $SIZE; else check_capture 0 $SIZE; fi
    OPTIONS=()
    transfer $way '' plain few
    transfer $way plain '' many
done
finish
