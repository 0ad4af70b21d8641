#!/usr/bin/env bash
# CPython's own tests of its network modules: with both ends in one process they say more about sockets than tests of ours. They run
# natively, under the library with the loopback in the stack, and under the library with the kernel's loopback, all at the same
# time; a test must end the same way in all three. What must differ is listed below, with the reason.
#
# PYTHON_MODULES: other modules than these, which take less than a minute, such as test_ssl test_xmlrpc test_poll test_selectors
# test_imaplib test_nntplib test_logging test_asyncio.test_events test_asyncio.test_unix_events.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
library_only
need "$PYTHON"
if ! "$PYTHON" -c 'import test.test_socket' 2>>"$WORK/prog.err"; then
    echo "not ok - CPython's tests are missing (scripts/setup.sh installs them)"
    exit 1
fi
read -ra modules <<<"${PYTHON_MODULES:-test_socket:0:2 test_socket:1:2 test_ftplib test_poplib test_asyncio.test_sendfile \
test_select test_epoll test_asyncio.test_streams test_httplib test_asyncio.test_sock_lowlevel test_socketserver test_httpservers \
test_smtplib test_telnetlib test_urllib2_localnet test_asynchat test_asyncore test_wsgiref test_asyncio.test_server}"

# "WORLD TEST": a test that ends in another way there than natively; one that does not any more is an error too.
listed=(
    # A forked child cannot use its parent's sockets yet. They wait for their time-outs: only in the long form.
    "stack test.test_socketserver.SocketServerTest.test_ForkingTCPServer"
    "stack test.test_socketserver.SocketServerTest.test_ForkingUDPServer"
)

left_out=()
if [ -z "$LONG" ]; then
    for test in "${listed[@]}"; do left_out+=("-${test#* }"); done
    listed=()
fi

# run WORLD LANE MODULE...: in the background, in the namespace of LAST.
runs=()
run() {
    local world=$1 lane=$2 under=()
    shift 2
    case $world in
    stack) under=("LD_PRELOAD=$LIBRARY" MATNET_LOOPBACK=stack) ;;
    kernel) under=("LD_PRELOAD=$LIBRARY") ;;
    esac
    TMPDIR=$WORK nsenter --net="/proc/$LAST/ns/net" -- env "${under[@]}" "$PYTHON" "$HELPERS/testsuite.py" "${left_out[@]}" "$@" \
        </dev/null >"$WORK/$world.$lane.txt" 2>"$WORK/$world.$lane.trace" &
    runs+=($!)
    PIDS+=($!)
}
# Most tests sleep: five lanes in each world, each in a namespace of its own. The slowest modules come first.
for world in native stack kernel; do
    for lane in 0 1 2 3 4; do
        part=()
        for ((i = lane; i < ${#modules[@]}; i += 5)); do part+=("${modules[i]}"); done
        [ ${#part[@]} -gt 0 ] || continue
        namespace
        nsenter --net="/proc/$LAST/ns/net" -- sysctl -qw net.ipv6.conf.lo.disable_ipv6=0
        run $world $lane "${part[@]}"
    done
done
for pid in "${runs[@]}"; do wait "$pid"; done

# The last line of a run says that it is whole.
for world in native stack kernel; do
    whole=$(grep -h '^test: all' "$WORK/$world".*.txt | awk '{ n += $3 } END { print n + 0 }')
    check_equal "$world: all modules ran" "${#modules[@]}" "$whole"
    grep -h '^test: test\.' "$WORK/$world".*.txt | cut -d' ' -f2- | sort >"$WORK/$world.ends"
done
# only_run FILE: the listed tests whose modules were run.
only_run() {
    local world name module
    while read -r world name; do
        for module in "${modules[@]}"; do
            [ "${name#"test.${module%%:*}."}" = "$name" ] || echo "$world $name"
        done
    done <"$1"
}
count=$(grep -c ' ok$' "$WORK/native.ends")
check "natively $count tests pass" [ "$count" -gt 100 ]
for world in stack kernel; do
    diff "$WORK/native.ends" "$WORK/$world.ends" | sed -n "s/^> \(.*\) [a-zA-Z]*\$/$world \1/p" | sort >"$WORK/$world.differ"
    printf '%s\n' "${listed[@]}" | sort | grep "^$world " >"$WORK/$world.listed"
    check_equal "$world: $(grep -c ' ok$' "$WORK/$world.ends") pass; others than natively end only those that are listed" \
        "$(only_run "$WORK/$world.listed")" "$(cat "$WORK/$world.differ")"
done
finish
