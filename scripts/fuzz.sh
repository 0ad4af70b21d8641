#!/usr/bin/env bash
# Runs the fuzz targets of fuzz/ for a bounded time each and fails when one has a finding.
#
#   scripts/fuzz.sh [--smoke] [--seconds N] [TARGET...]
#
#   --smoke      10 seconds each: is everything still alive?
#   --seconds N  N seconds each (default 120)
#   TARGET       only these (default: all that `cargo fuzz list` names)
#
# Needs a C++ compiler (for libFuzzer) and installs cargo-fuzz when it is missing. The stable toolchain is enough:
# coverage comes from flags that stable rustc takes, and sanitizers, which would need nightly, have nothing to find in a
# crate that forbids unsafe code. Found inputs are kept in fuzz/artifacts; the corpus, in fuzz/corpus, grows with
# every run, from the committed inputs of fuzz/seeds. To follow a finding of on_frame step by step (of model: MATNET_MODEL_TRACE=1):
#   MATNET_FUZZ_TRACE=1 cargo fuzz run -s none on_frame fuzz/artifacts/on_frame/crash-...
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=120
targets=()
while [ $# -gt 0 ]; do
    case "$1" in
        --smoke) seconds=10 ;;
        --seconds)
            seconds="${2:?--seconds needs a number}"
            shift
            ;;
        -h | --help)
            sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
            exit 0
            ;;
        -*)
            echo "$0: unknown option $1" >&2
            exit 2
            ;;
        *) targets+=("$1") ;;
    esac
    shift
done

if ! command -v c++ >/dev/null; then
    echo "$0: libFuzzer needs a C++ compiler (Debian: apt-get install g++)" >&2
    exit 2
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install --locked cargo-fuzz
fi
if [ ${#targets[@]} -eq 0 ]; then
    mapfile -t targets < <(cargo fuzz list)
fi

cargo fuzz build --sanitizer none
failed=()
for target in "${targets[@]}"; do
    echo "== $target, $seconds s"
    corpus="fuzz/corpus/$target"
    mkdir -p "$corpus"
    seeds=()
    [ -d "fuzz/seeds/$target" ] && seeds=("fuzz/seeds/$target")
    if ! cargo fuzz run --sanitizer none "$target" "$corpus" "${seeds[@]}" -- \
        -max_total_time="$seconds" -max_len=2048 -timeout=20 -rss_limit_mb=2048 \
        2>&1 | { grep -avE '^(#[0-9]+.*(NEW|REDUCE|RELOAD) |".*" # Uses|INFO: |WARNING: Failed to find|###### |[[:space:]]*(NEW_FUNC|Running|Finished))' || true; }; then
        failed+=("$target")
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "findings in: ${failed[*]} (see fuzz/artifacts; replay: cargo fuzz run -s none TARGET FILE)" >&2
    exit 1
fi
echo "no findings"
