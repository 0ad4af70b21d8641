#!/usr/bin/env bash
# Prints docs/calls.md: the calls that have a hook, from the hook table, and those that have none, with the reasons.
#
# usage: scripts/calls.sh > docs/calls.md      (scripts/check_hooks.sh compares)
set -euo pipefail
cd "$(dirname "$0")/.."

cat <<'HEAD'
# Supported calls

Made by `scripts/calls.sh` from the hook table (`src/preload/table.rs`) and from `src/preload/exceptions.txt`. `scripts/check_hooks.sh`
compares both with the headers and the symbols of the libc that it runs on: no function of it that takes or makes a descriptor is in neither.

What happens to a call with a hook:

| class | what happens |
| --- | --- |
| gate | On a socket of ours the library serves the call. On any other descriptor the real function is called, after one look at a table. |
| talk | As gate; on a netlink socket that asks about the network's interfaces, what it says is answered too. |
| own | The library looks at every call: it has several descriptors, or makes, closes or copies one, or is about the process. |
| make | The real function is called; the number that it returns is noted as the kernel's. |
| bare | As own; variadic, or returning twice, so it is written in assembly. |

The last column has the numbers of `syscall()` that go the same way, where the arguments are the same. `syscall()` also knows fork, vfork,
clone (as a plain fork), exit, exit_group, ppoll, pselect6, epoll_pwait, epoll_pwait2, preadv2 and pwritev2, whose arguments differ from the
function's, and io_uring_setup, which answers ENOSYS unless `MATNET_IO_URING=allow`. Every other number passes through. The C streams of
stdio have no hook: they read and write by themselves, and a socket on the number of a stream is made to work with that.

HEAD

awk '
function flush_rows(   i, key) {
    for (i = 1; i <= rows; i++) {
        key = order[i]
        print "| " names[key] " | " class[key] " | " numbers[key] " |"
    }
    rows = 0
    split("", names); split("", class); split("", numbers)
}
/^macro_rules! hooks/ { inside = 1 }
inside && /^    } };/ { flush_rows(); exit }
inside && /^        \/\/ / {
    flush_rows()
    title = substr($0, 12)
    print (begun++ ? "\n" : "") "## " toupper(substr(title, 1, 1)) substr(title, 2) "\n\n| calls | class | by number |\n| --- | --- | --- |"
}
inside && match($0, /^        (gate|talk|own|make|bare) [A-Za-z0-9_]+ = /) {
    key = $1 " " $4
    sub(/\(.*/, "", key)
    list = ""
    rest = $0
    if (match(rest, /calls\[[^]]*\]/)) list = substr(rest, RSTART + 6, RLENGTH - 7)
    if (match(rest, /x86\[[^]]*\]/)) list = list " " substr(rest, RSTART + 4, RLENGTH - 5)
    gsub(/SYS_/, "", list)
    gsub(/^ +| +$/, "", list)
    # What only notes a number has one body: a row for all.
    if (!(key in names)) { order[++rows] = key; class[key] = $1; names[key] = "`" $2 "`" }
    else names[key] = names[key] ", `" $2 "`"
    if (list != "") numbers[key] = numbers[key] (numbers[key] == "" ? "" : ", ") list
}
' src/preload/table.rs

cat <<'TAIL'

## Without a hook

| calls | why |
| --- | --- |
TAIL
grep -v '^#' src/preload/exceptions.txt | grep . | sed -E 's/\?//g; s/^([^:]*): *(.*)$/\1\n\2/' | while read -r names && read -r reason; do
    read -ra each <<<"$names"
    # shellcheck disable=SC2016  # printf's
    list=$(printf ', `%s`' "${each[@]}")
    list=${list#, }
    echo "| $list | $reason |"
done
