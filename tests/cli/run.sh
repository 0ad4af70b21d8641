#!/usr/bin/env bash
# matnet run, env and check: what the program gets, which programs are refused, and the exit codes. No network is touched.
set -u -o pipefail
export LC_ALL=C
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}/release
MATNET=${MATNET:-$TARGET/matnet}
LIBRARY=$(dirname "$MATNET")/libmatnet.so
for file in "$MATNET" "$LIBRARY"; do
    if [ ! -e "$file" ]; then
        echo "not ok - $file is not there: cargo build --release"
        exit 1
    fi
done
COMMAND=$MATNET
LIBRARY=$(readlink -f "$LIBRARY")
for name in $(compgen -e MATNET); do unset "$name"; done
unset LD_PRELOAD
WORK=$(mktemp -d "${TMPDIR:-/tmp}/matnet-run.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
chmod 755 "$WORK"

FAILED=0
ok() { echo "ok - $*"; }
not_ok() {
    FAILED=$((FAILED + 1))
    echo "not ok - $*"
}
check_equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: expected '$2', got '$3'"; fi; }
refused() { # WHAT STATUS REGEX COMMAND...
    local what=$1 status=$2 regex=$3 text got
    shift 3
    text=$("$@" 2>&1 >/dev/null)
    got=$?
    check_equal "$what: status" "$status" "$got"
    if printf '%s\n' "$text" | grep -Eq -- "$regex"; then ok "$what: says why"; else not_ok "$what: /$regex/ is not in: $text"; fi
    check_equal "$what: one line" 1 "$(printf '%s\n' "$text" | wc -l)"
}

# --- what the program gets ---------------------------------------------------------------------------------------------
# shellcheck disable=SC2016
show='echo "$LD_PRELOAD|$MATNET_TAP|$MATNET_ADDR|$1"'
check_equal "library, options, arguments" "$LIBRARY|foo|10.1.0.2/16|-x y" \
    "$("$COMMAND" run --tap foo --addr 10.1.0.2/16 -- sh -c "$show" sh "-x y")"
check_equal "without --" "$LIBRARY|||-x" "$("$COMMAND" run sh -c "$show" sh -x)"
check_equal "an option wins over the environment" "$LIBRARY|foo||" \
    "$(MATNET_TAP=bar "$COMMAND" run --tap foo -- sh -c "$show")"
empty=$WORK/libempty.so
if echo | cc -shared -o "$empty" -x c - 2>/dev/null; then
    check_equal "LD_PRELOAD is prepended to" "$LIBRARY:$empty|||" "$(LD_PRELOAD=$empty "$COMMAND" run -- sh -c "$show")"
    check_equal "but not twice" "$LIBRARY:$empty|||" \
        "$(LD_PRELOAD=$LIBRARY:$empty "$COMMAND" run -- sh -c "$show")"
fi
"$COMMAND" run -- sh -c 'exit 7'
check_equal "the program's status" 7 $?
check_equal "standard input and output" hello "$(echo hello | "$COMMAND" run -- cat)"

# --- env -----------------------------------------------------------------------------------------------------------------
# shellcheck disable=SC2016
check_equal "eval of env" "$LIBRARY|it's|10.88.45.2/24|" \
    "$(eval "$("$COMMAND" env --tap its --addr 10.88.45.2/24 | sed "s/TAP='its'/TAP='it'\\\\''s'/")" && sh -c "$show")"

# --- refusals ------------------------------------------------------------------------------------------------------------
refused "no such program" 127 'no-such-program: not found' "$COMMAND" run -- no-such-program
refused "a directory" 126 'not an executable file' "$COMMAND" run -- "$WORK/"
refused "a bad value" 2 '^matnet: --addr: "1\.2": expected' "$COMMAND" run --addr 1.2 -- true
refused "a bad variable" 2 '^matnet: MATNET_MTU: "x": expected' env MATNET_MTU=x "$COMMAND" run -- true
refused "not available" 2 '^matnet: --stats: "/tmp/x": .*not available' "$COMMAND" run --stats /tmp/x -- true
refused "a bad fault" 2 '^matnet: --fault: "loss=1": loss=1: expected a percentage' "$COMMAND" run --fault loss=1 -- true
refused "an unknown fault" 2 '^matnet: MATNET_FAULT: "delya=1ms": delya: no such fault, did you mean delay\?' \
    env MATNET_FAULT=delya=1ms "$COMMAND" run -- true
# shellcheck disable=SC2016
check_equal "a fault reaches the program" "loss=1%,delay=20ms" \
    "$("$COMMAND" run --fault loss=1%,delay=20ms -- sh -c 'echo "$MATNET_FAULT"')"
# shellcheck disable=SC2016
check_equal "and by way of env" "loss=1%,delay=20ms" \
    "$(eval "$("$COMMAND" env --fault loss=1%,delay=20ms)" && sh -c 'echo "$MATNET_FAULT"')"
printf 'int main(void) { return 3; }\n' >"$WORK/three.c"
if cc -static -o "$WORK/static" "$WORK/three.c" 2>/dev/null; then
    refused "a static program" 126 'statically linked.*--force' "$COMMAND" run -- "$WORK/static"
    refused "check of a static program" 1 'statically linked' "$COMMAND" check "$WORK/static"
    "$COMMAND" run --force -- "$WORK/static" 2>/dev/null
    check_equal "--force starts it" 3 $?
    printf '#!%s\n' "$WORK/static" >"$WORK/script"
    chmod 755 "$WORK/script"
    refused "a script of a static interpreter" 1 "$WORK/static: is statically linked" "$COMMAND" check "$WORK/script"
fi
check_equal "check of a good program" "$(type -P env): works with matnet" "$("$COMMAND" check env)"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all "$@"; }
    install -m 755 "$COMMAND" "$LIBRARY" "$WORK/"
    cp "$(type -P true)" "$WORK/set"
    chmod 4755 "$WORK/set"
    refused "setuid" 126 'setuid.*LD_PRELOAD' as_nobody "$WORK/matnet" run -- "$WORK/set"
    refused "not setuid for its owner" 0 '^$' "$WORK/matnet" run -- "$WORK/set"
    chmod 2755 "$WORK/set"
    refused "setgid" 126 'setgid.*LD_PRELOAD' as_nobody "$WORK/matnet" run -- "$WORK/set"
    chmod 755 "$WORK/set"
    if setcap cap_net_raw+ep "$WORK/set" 2>/dev/null; then
        refused "file capabilities" 126 'file capabilities.*LD_PRELOAD' as_nobody "$WORK/matnet" run -- "$WORK/set"
    fi
fi

# --- the library is never taken from the current directory -----------------------------------------------------------------
mkdir -p "$WORK/alone" "$WORK/cwd"
install -m 755 "$COMMAND" "$WORK/alone/"
touch "$WORK/cwd/libmatnet.so"
if [ ! -e /usr/local/lib/libmatnet.so ]; then
    # shellcheck disable=SC2016
    refused "no library" 1 'libmatnet.so not found in' sh -c 'cd "$1" && ../alone/matnet run -- true' sh "$WORK/cwd"
fi
mkdir -p "$WORK/usr/bin" "$WORK/usr/lib"
install -m 755 "$COMMAND" "$WORK/usr/bin/"
install -m 755 "$LIBRARY" "$WORK/usr/lib/"
# shellcheck disable=SC2016
check_equal "../lib" "$WORK/usr/lib/libmatnet.so" "$("$WORK/usr/bin/matnet" run -- sh -c 'echo "$LD_PRELOAD"')"

if [ $FAILED = 0 ]; then echo "# all passed"; else echo "# $FAILED failed"; fi
[ $FAILED = 0 ]
