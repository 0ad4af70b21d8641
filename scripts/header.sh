#!/bin/sh
# Makes include/matnet.h from capi/src. With --check: fails when the committed header is not what would be made.
# The generator is installed into target/tools when it is missing; its version is fixed, so that the header is too.
set -eu
cd "$(dirname "$0")/.."
version=0.29.2
header=include/matnet.h

case "${1-}" in
'' | --check) ;;
*)
    echo "usage: scripts/header.sh [--check]" >&2
    exit 2
    ;;
esac

tool=
for t in cbindgen target/tools/bin/cbindgen; do
    if [ "$("$t" --version 2>/dev/null)" = "cbindgen $version" ]; then
        tool=$t
        break
    fi
done
if [ -z "$tool" ]; then
    cargo install --locked --quiet --version "$version" --root target/tools cbindgen
    tool=target/tools/bin/cbindgen
fi

new=$(mktemp)
trap 'rm -f "$new"' EXIT
trap 'exit 1' HUP INT TERM
"$tool" --quiet --config cbindgen.toml --output "$new" capi/src/lib.rs

if [ "${1-}" = --check ]; then
    if ! diff -u "$header" "$new"; then
        echo "$header is stale: run scripts/header.sh and commit the result" >&2
        exit 1
    fi
else
    mkdir -p include
    cmp -s "$new" "$header" || cp "$new" "$header"
    chmod 644 "$header"
fi
