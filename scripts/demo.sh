#!/usr/bin/env bash
# See it work: builds the library and runs an unmodified curl under it, against a server on the kernel's own TCP/IP.
# Everything happens in a network namespace of its own, which is gone afterwards. As root, or as a normal user where the kernel
# allows user namespaces and /dev/net/tun is open to everybody.
set -euo pipefail
cd "$(dirname "$0")/.."

stop_with() {
    echo "demo: $*" >&2
    exit 1
}

if [ -z "${DEMO_INSIDE:-}" ]; then
    for name in $(compgen -e MATNET_); do unset "$name"; done
    command -v cargo >/dev/null || PATH=$PATH:$HOME/.cargo/bin
    command -v cargo >/dev/null || stop_with "cargo is not in PATH: install Rust 1.88 or newer"
    for tool in curl python3 sha256sum unshare cc; do
        command -v $tool >/dev/null || stop_with "$tool is missing: install it (Debian: apt-get install curl python3 coreutils util-linux gcc libc6-dev)"
    done
    [ -e /dev/net/tun ] || stop_with "there is no /dev/net/tun: modprobe tun (in a container: --device /dev/net/tun)"
    { [ -r /dev/net/tun ] && [ -w /dev/net/tun ]; } ||
        stop_with "/dev/net/tun is not open to $(id -un): run this as root, or let root run: chmod 666 /dev/net/tun"
    how=(unshare -n)
    [ "$(id -u)" = 0 ] || how=(unshare -Urn)
    "${how[@]}" true 2>/dev/null ||
        stop_with "this kernel does not let $(id -un) make a network namespace (${how[*]}): run this as root"

    echo "Building (cargo build --release) ..."
    cargo build --release --quiet
    DEMO_LIBRARY=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/release/libmatnet.so
    DEMO_CAPTURE=$(mktemp -u "${TMPDIR:-/tmp}/matnet-demo.XXXXXX").pcapng
    export DEMO_INSIDE=1 DEMO_LIBRARY DEMO_CAPTURE
    exec timeout -k 5 120 "${how[@]}" "$BASH" "$0"
fi

# --- inside the namespace ---
work=$(mktemp -d "${TMPDIR:-/tmp}/matnet-demo.XXXXXX")
server=''
cleanup() {
    local status=$?
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$work"
    exit $status
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

echo cubic >/proc/sys/net/ipv4/tcp_congestion_control 2>/dev/null || true
mkdir "$work/www"
echo "Hello from the kernel's side." >"$work/www/page"
head -c 200000000 /dev/urandom >"$work/www/file"
python3 -u - "$work/www" >"$work/server.log" 2>&1 <<'PY' &
import functools, http.server, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
server = http.server.ThreadingHTTPServer(("0.0.0.0", 8000), handler)
print("ready", flush=True)
server.serve_forever()
PY
server=$!
for _ in $(seq 100); do
    grep -q ready "$work/server.log" && break
    sleep 0.1
done
grep -q ready "$work/server.log" || stop_with "the web server does not start: $(tail -n 1 "$work/server.log")"

url=http://10.88.45.1:8000
echo "\$ LD_PRELOAD=libmatnet.so MATNET_PCAP=$DEMO_CAPTURE curl $url/page"
LD_PRELOAD=$DEMO_LIBRARY MATNET_PCAP=$DEMO_CAPTURE MATNET_LOG=info MATNET_LOG_FILE=$work/log \
    curl -sS --max-time 20 "$url/page"
echo "\$ LD_PRELOAD=libmatnet.so curl -o file $url/file        # 200 MB"
speed=$(LD_PRELOAD=$DEMO_LIBRARY curl -sS --max-time 60 -o "$work/file" -w '%{speed_download}' "$url/file")

expected=$(sha256sum <"$work/www/file")
actual=$(sha256sum <"$work/file")
[ "$expected" = "$actual" ] || stop_with "the file's checksum is wrong: $actual instead of $expected"
mac=$(grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}' "$work/log" | head -1)
client=$(grep -oE '^[0-9.]+ - - .*GET /file' "$work/server.log" | cut -d' ' -f1)
echo
echo "address    $client, as the server saw it"
echo "MAC        $mac"
echo "checksum   ${actual%% *} on both sides"
awk -v s="$speed" 'BEGIN { printf "speed      %.0f MB/s (%.1f Gb/s)\n", s / 1e6, s * 8 / 1e9 }'
echo "capture    $DEMO_CAPTURE (the page's connection; open it with Wireshark)"
