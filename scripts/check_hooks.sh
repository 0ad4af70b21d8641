#!/usr/bin/env bash
# Compares what the built libraries export with the hook table.
# 1. The shared library exports exactly the table's symbols and the matnet_* functions of include/matnet.h.
# 2. For information: which of its own hooks the library itself refers to. Those calls come back through the hooks, which is why
#    a hook on a descriptor that is not ours takes no lock and allocates nothing.
# 3. The soname is libmatnet.so.0, and the static library has no hook.
#
# usage: scripts/check_hooks.sh [DIRECTORY]      (target/release)
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:-target/release}
so=$dir/libmatnet.so
archive=$dir/libmatnet.a
table=src/preload/table.rs
failed=0

complain() {
    echo "check_hooks: ${*//$'\n'/ }" >&2
    failed=1
}

[ -r "$so" ] || { echo "check_hooks: no $so: cargo build --release makes it" >&2; exit 2; }
hooks=$(sed -nE 's/^ +(gate|own|make|bare) ([A-Za-z0-9_]+) = [a-z]+::.*/\2/p' "$table" | sort)
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
[ $failed -eq 0 ] && echo "check_hooks: ok"
exit $failed
