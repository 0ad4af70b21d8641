#!/usr/bin/env bash
# A program without an internet socket opens no device and starts no thread; one with a socket does.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need strace dd "$PYTHON"

topology direct
trace() { # NAME COMMAND...: system calls of the program under the library
    local name=$1
    shift
    timeout -k 5 $LIMIT nsenter --net="/proc/$PROG_NS/ns/net" -- strace -f -qq -o "$WORK/$name.strace" \
        -E "LD_PRELOAD=$LIBRARY" -e trace=openat,open,clone,clone3,fork,vfork,ioctl,socket,mmap,munmap,read,write,close "$@" 2>>"$WORK/prog.err"
}

count() { grep -cE -- "$2" "$WORK/$1.strace"; }

for program in "true" "cat /etc/hostname" "dd if=/dev/zero of=/dev/null bs=4k count=10 status=none" "ls /"; do
    name=${program%% *}
    # shellcheck disable=SC2086
    trace "$name" $program >/dev/null
    check_equal "$name: status" 0 $?
    check_equal "$name: opens of /dev/net" 0 "$(count "$name" '/dev/net/')"
    check_equal "$name: threads and processes" 0 "$(count "$name" '^[0-9]+ +(clone|clone3|fork|vfork)\(')"
    check_equal "$name: internet sockets" 0 "$(count "$name" 'AF_INET')"
done
trace pair "$PYTHON" -S -c 'import socket; a, b = socket.socketpair(); a.send(b"x"); b.recv(1); socket.socket(socket.AF_UNIX).close()'
check_equal "AF_UNIX sockets: status" 0 $?
check_equal "AF_UNIX sockets: opens of /dev/net" 0 "$(count pair '/dev/net/')"
check_equal "AF_UNIX sockets: threads" 0 "$(count pair '^[0-9]+ +(clone|clone3|fork|vfork)\(')"
trace inet "$PYTHON" -S -c 'import socket; s = socket.socket(); s.connect_ex(("10.88.45.1", 9))'
check_equal "an internet socket: opens of /dev/net/tun" 1 "$(count inet '/dev/net/tun')"
check_equal "an internet socket: kernel internet sockets for data" 0 "$(count inet 'socket\(AF_INET, SOCK_STREAM')"

# The calls of a program that copies a file are the same with and without the library, once it is loaded.
calls() { grep -cE '(read|write)\(.*4096' "$WORK/$1.strace"; }
check_equal "dd of 10 blocks: its reads and writes" 20 "$(calls dd)"
finish
