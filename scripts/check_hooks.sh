#!/usr/bin/env bash
# Compares what the built libraries export with the hook table.
# 1. The shared library exports exactly the table's symbols and the matnet_* functions of include/matnet.h.
# 2. For information: which of its own hooks the library itself refers to. Those calls come back through the hooks, which is why
#    a hook on a descriptor that is not ours takes no lock and allocates nothing.
# 3. The soname is libmatnet.so.0, and the static library has no hook.
# 4. Every function of this machine's libc that takes or makes a descriptor has a hook, or a reason in src/preload/exceptions.txt.
# 5. docs/calls.md is what scripts/calls.sh makes of the two.
#
# usage: scripts/check_hooks.sh [DIRECTORY]      (target/release)
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:-${CARGO_TARGET_DIR:-target}/release}
so=$dir/libmatnet.so
archive=$dir/libmatnet.a
table=src/preload/table.rs
failed=0

complain() {
    echo "check_hooks: ${*//$'\n'/ }" >&2
    failed=1
}

[ -r "$so" ] || { echo "check_hooks: no $so: cargo build --release makes it" >&2; exit 2; }
hooks=$(sed -nE 's/^ +(gate|talk|own|make|bare) ([A-Za-z0-9_]+) = [a-z]+::.*/\2/p' "$table" | sort)
[ -n "$hooks" ] || complain "no hook found in $table"
twice=$(uniq -d <<<"$hooks")
[ -z "$twice" ] || complain "twice in $table:" "$twice"

exported=$(nm -D --defined-only "$so" | awk '{ print $3 }' | sort)
api=$(grep '^matnet_' <<<"$exported" || true)
others=$(grep -v '^matnet_' <<<"$exported" || true)
missing=$(comm -23 <(echo "$hooks") <(echo "$others"))
extra=$(comm -13 <(echo "$hooks") <(echo "$others"))
[ -z "$missing" ] || complain "in $table but not exported:" "$missing"
[ -z "$extra" ] || complain "exported but not in $table:" "$extra"
if [ -r include/matnet.h ]; then
    declared=$(grep -oE '\bmatnet_[a-z0-9_]+\(' include/matnet.h | tr -d '(' | sort -u)
    absent=$(comm -23 <(echo "$declared") <(echo "$api"))
    hidden=$(comm -13 <(echo "$declared") <(echo "$api"))
    [ -z "$absent" ] || complain "in include/matnet.h but not exported:" "$absent"
    [ -z "$hidden" ] || complain "exported but not in include/matnet.h:" "$hidden"
fi
echo "$(wc -l <<<"$hooks") hooks and $(wc -w <<<"$api") functions of the C API exported"

# Relocations by name are references that the loader binds; direct calls stay within the file.
bound=$(readelf --relocs --wide "$so" | awk '{ print $5 }' | sed 's/@.*//' | sort -u)
direct=$(objdump --disassemble --no-show-raw-insn "$so" | grep -oE '(call|jmp|bl|b) +[0-9a-f]+ <[A-Za-z0-9_]+(@plt)?>$' |
    grep -oE '<[A-Za-z0-9_]+' | tr -d '<' | sort -u)
list() { tr '\n' ' '; }
echo "the library's references to its own hooks, bound by the loader: $(comm -12 <(echo "$hooks") <(echo "$bound") | list)"
echo "and called directly: $(comm -12 <(echo "$hooks") <(echo "$direct") | list)"

soname=$(readelf -d "$so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = libmatnet.so.0 ] || complain "the soname is '$soname', not libmatnet.so.0"
if [ -r "$archive" ]; then
    inside=$(comm -12 <(echo "$hooks") <(nm --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u))
    [ -z "$inside" ] || complain "hooks in $archive:" "$inside"
else
    complain "no $archive"
fi

# libc's functions that take or make a descriptor: each has a hook or a reason not to.
exceptions=src/preload/exceptions.txt
calls=$(scripts/libc_calls.py | sort)
[ "$(wc -l <<<"$calls")" -gt 250 ] || complain "scripts/libc_calls.py finds only $(wc -l <<<"$calls") functions of libc"
excused=$(grep -v '^#' "$exceptions" | sed -n 's/^\([^:]*\):.*/\1/p' | tr -s ' ' '\n' | grep . || true)
unreasoned=$(grep -v '^#' "$exceptions" | grep . | grep -vE '^[^:]+: +[^ ].{9,}' || true)
[ -z "$unreasoned" ] || complain "no reason in $exceptions:" "$unreasoned"
twice=$(tr -d '?' <<<"$excused" | sort | uniq -d)
[ -z "$twice" ] || complain "twice in $exceptions:" "$twice"
both=$(comm -12 <(echo "$hooks") <(tr -d '?' <<<"$excused" | sort))
[ -z "$both" ] || complain "hooked and in $exceptions:" "$both"
open=$(comm -23 <(echo "$calls") <(echo "$hooks"))
while read -r name; do
    plain=${name%[?]}
    found=''
    while read -r call; do
        # shellcheck disable=SC2053  # a pattern
        [[ $call != $plain ]] || found+=" $call"
    done <<<"$open"
    if [ -z "$found" ] && [ "$plain" = "$name" ]; then
        complain "in $exceptions, and no function of this libc: $name"
    fi
    for call in $found; do open=$(grep -vx -- "$call" <<<"$open" || true); done
done <<<"$excused"
[ -z "$open" ] || complain "functions of libc on descriptors with neither a hook nor a reason in $exceptions:" "$open"
echo "$(wc -l <<<"$calls") functions of libc take or make a descriptor; $(comm -12 <(echo "$calls") <(echo "$hooks") | wc -l) of them have a hook, the others a reason"
diff <(scripts/calls.sh) docs/calls.md >/dev/null || complain "docs/calls.md is stale: scripts/calls.sh > docs/calls.md"
[ $failed -eq 0 ] && echo "check_hooks: ok"
exit $failed
