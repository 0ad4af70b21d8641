#!/usr/bin/env bash
# Everything, from a bare machine with Rust: installs what the tests need, checks, builds and runs all tests.
#
#   scripts/test.sh [STAGE...]      all stages, or only those named (scripts/test.sh --list)
#   MATNET_TEST_LONG=1 scripts/test.sh programs      the long form of the program tests
#
# A failed stage does not keep the others from running; the summary names it and its log, and the exit status is 1.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
[ -d "$HOME/.cargo/bin" ] && PATH=$PATH:$HOME/.cargo/bin
PATH=$PATH:/usr/sbin:/sbin
export PATH
for name in $(compgen -e MATNET_); do [ "$name" = MATNET_TEST_LONG ] || unset "$name"; done
unset LD_PRELOAD name

# Every stage is a function; scripts that a stage runs must exist.
stage_setup() { scripts/setup.sh; }
stage_format() { cargo fmt --all --check; }
stage_clippy() { cargo clippy --workspace --all-targets --quiet -- -D warnings; }
stage_aarch64() {
    local target=aarch64-unknown-linux-gnu
    if [ -d "$(rustc --print target-libdir --target "$target")" ]; then
        cargo check --workspace --target "$target" --quiet
    else
        echo "not checked: Rust's library for $target is not installed (rustup target add $target)"
    fi
}
stage_units() { cargo test --workspace --quiet; }
stage_build() { cargo build --release; }
stage_header() { scripts/header.sh --check; }
stage_hooks() { scripts/check_hooks.sh && tests/hooks/run.sh; }
stage_capi() { tests/capi/run.sh; }
stage_cli() {
    local script status=0 found=''
    for script in tests/cli/*.sh; do
        [ -x "$script" ] || continue
        found=1
        echo "== $script"
        timeout -k 10 300 "$script" || status=1
    done
    [ -n "$found" ] && return $status
}
stage_conformance() { tests/conformance/run.sh; }
stage_programs() { TEST_LOGS=$logs/programs tests/run_programs.sh; }
stage_bad_input() { TEST_LOGS=$logs/bad_input tests/run_programs.sh --dir tests/bad_input; }
stage_faults() { scripts/bad_network.sh --smoke; }
stage_soak() { scripts/soak.sh --smoke; }
stage_bench() { scripts/bench.sh --smoke; }
stage_fuzz() { scripts/fuzz.sh --smoke; }
stage_shellcheck() {
    local files
    mapfile -t files < <(grep -rlE '^#!/(usr/bin/env bash|bin/(ba)?sh)|^# shellcheck shell=' scripts tests benches .ci --include='*.sh' --include=run)
    shellcheck -x "${files[@]}"
}
stage_licences() {
    [ -f deny.toml ] || { echo "there is no deny.toml"; return 1; }
    if cargo deny --version >/dev/null 2>&1; then
        cargo deny --all-features check bans licenses sources
    else
        echo "cargo-deny is not installed: only that deny.toml is there was checked"
    fi
}
stages=(setup format shellcheck clippy aarch64 units build header hooks capi cli conformance programs bad_input faults soak bench fuzz licences)
# Seconds that a stage may take.
declare -A limits=([clippy]=600 [aarch64]=600 [units]=900 [build]=600 [header]=600 [programs]=900 [bad_input]=600 [faults]=600 [fuzz]=600)

chosen=()
for argument in "$@"; do
    case $argument in
    --list)
        printf '%s\n' "${stages[@]}"
        exit 0
        ;;
    -h | --help)
        sed -n '2,7s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *)
        if ! declare -F "stage_$argument" >/dev/null; then
            echo "test.sh: no stage '$argument'; there are: ${stages[*]}" >&2
            exit 2
        fi
        chosen+=("$argument")
        ;;
    esac
done
[ ${#chosen[@]} -gt 0 ] || chosen=("${stages[@]}")

logs=$(mktemp -d "${TMPDIR:-/tmp}/matnet-test.XXXXXX")
# Some tests run programs as another user.
chmod 755 "$logs"
child=''
watch=''
leave() {
    trap - INT TERM HUP
    [ -z "$child" ] || kill -- "-$child" 2>/dev/null
    [ -z "$watch" ] || kill -- "-$watch" 2>/dev/null
    exit 130
}
trap leave INT TERM HUP

summary=()
failed=()
total=${EPOCHSECONDS}
for stage in "${chosen[@]}"; do
    log=$logs/$stage.log
    begin=${EPOCHREALTIME/./}
    echo "== $stage"
    # A process group of its own, so that a stage that hangs ends with everything it started.
    set -m
    (
        set +m
        "stage_$stage"
    ) >"$log" 2>&1 </dev/null &
    child=$!
    (
        sleep "${limits[$stage]:-300}"
        echo "test.sh: $stage took longer than ${limits[$stage]:-300} s and was ended" >>"$log"
        kill -TERM -- "-$child" 2>/dev/null
        sleep 15
        kill -KILL -- "-$child" 2>/dev/null
    ) >/dev/null 2>&1 &
    watch=$!
    set +m
    wait "$child" 2>/dev/null
    status=$?
    kill -- "-$watch" 2>/dev/null
    wait "$watch" 2>/dev/null
    child=''
    watch=''
    seconds=$(((${EPOCHREALTIME/./} - begin) / 100000))
    seconds=$((seconds / 10)).$((seconds % 10))
    if [ $status = 0 ]; then
        result=passed
        case $stage in programs | bad_input) grep -E '^(ok|#)' "$log" | sed 's/^/   /' ;; esac
    else
        result="FAILED ($status)"
        failed+=("$stage")
        tail -n 60 "$log" | sed 's/^/   /'
    fi
    summary+=("$(printf '%-12s %-12s %7s s' "$stage" "$result" "$seconds")")
done

echo
printf '%s\n' "${summary[@]}"
echo "total $((EPOCHSECONDS - total)) s"
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}; logs in $logs"
    exit 1
fi
rm -rf "$logs"
echo "all passed"
