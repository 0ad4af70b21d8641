#!/bin/sh
# Installs what `cargo build --release` has built, or takes it away again.
#
#   scripts/install.sh                 to /usr/local
#   PREFIX=/opt/matnet scripts/install.sh
#   DESTDIR=/tmp/package PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu scripts/install.sh      for packages
#   scripts/install.sh --uninstall     with the same PREFIX, LIBDIR and DESTDIR
set -eu
cd "$(dirname "$0")/.."

PREFIX=${PREFIX:-/usr/local}
LIBDIR=${LIBDIR:-$PREFIX/lib}
DESTDIR=${DESTDIR:-}
built=${CARGO_TARGET_DIR:-target}/release
bin=$PREFIX/bin
include=$PREFIX/include
man=$PREFIX/share/man

for dir in "$PREFIX" "$LIBDIR"; do
    case $dir in
    /*) ;;
    *)
        echo "install.sh: \"$dir\": expected an absolute path" >&2
        exit 2
        ;;
    esac
    # Such a path would not survive in the pkg-config file.
    case $dir in
    *[[:space:]\|\&\\]*)
        echo "install.sh: \"$dir\": a path without blanks and special characters is needed" >&2
        exit 2
        ;;
    esac
done

pages() {
    for page in man/*.[1-8]; do
        if [ -f "$page" ]; then
            echo "$page"
        fi
    done
}

# The dynamic loader finds libraries by a cache where it knows the directory at all.
refresh() {
    if [ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ] && command -v ldconfig >/dev/null; then
        if ldconfig -v -N 2>/dev/null | grep -q "^$LIBDIR:"; then
            ldconfig
        fi
    fi
}

case "${1-}" in
'') ;;
--uninstall)
    rm -f "$DESTDIR$bin/matnet" "$DESTDIR$include/matnet.h" "$DESTDIR$LIBDIR/pkgconfig/matnet.pc" \
        "$DESTDIR$LIBDIR/libmatnet.so" "$DESTDIR$LIBDIR/libmatnet.so.0" "$DESTDIR$LIBDIR/libmatnet.a"
    for page in $(pages); do
        rm -f "$DESTDIR$man/man${page##*.}/${page##*/}"
    done
    refresh
    exit 0
    ;;
*)
    echo "usage: scripts/install.sh [--uninstall]" >&2
    exit 2
    ;;
esac

for file in libmatnet.so libmatnet.a matnet; do
    if [ ! -f "$built/$file" ]; then
        echo "install.sh: $built/$file is missing: run cargo build --release" >&2
        exit 1
    fi
done

version=$(sed -n 's/^#define MATNET_VERSION "\(.*\)"$/\1/p' include/matnet.h)
# What the static library needs from the system; tests/capi/run.sh compares it with what the compiler says.
private='-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc'

install -d "$DESTDIR$bin" "$DESTDIR$include" "$DESTDIR$LIBDIR/pkgconfig"
install -m 755 "$built/matnet" "$DESTDIR$bin/matnet"
install -m 644 include/matnet.h "$DESTDIR$include/matnet.h"
# Programs may run with the old library: a new file beside it, then a rename, never a write into it.
install -m 755 "$built/libmatnet.so" "$DESTDIR$LIBDIR/libmatnet.so.new"
mv -f "$DESTDIR$LIBDIR/libmatnet.so.new" "$DESTDIR$LIBDIR/libmatnet.so"
ln -sfn libmatnet.so "$DESTDIR$LIBDIR/libmatnet.so.0"
install -m 644 "$built/libmatnet.a" "$DESTDIR$LIBDIR/libmatnet.a"
sed -e "s|@prefix@|$PREFIX|" -e "s|@libdir@|$LIBDIR|" -e "s|@includedir@|$include|" \
    -e "s|@version@|$version|" -e "s|@private@|$private|" matnet.pc.in >"$DESTDIR$LIBDIR/pkgconfig/matnet.pc"
chmod 644 "$DESTDIR$LIBDIR/pkgconfig/matnet.pc"
for page in $(pages); do
    install -d "$DESTDIR$man/man${page##*.}"
    install -m 644 "$page" "$DESTDIR$man/man${page##*.}/${page##*/}"
done
refresh
echo "installed matnet $version: $DESTDIR$bin/matnet, $DESTDIR$LIBDIR/libmatnet.so"
