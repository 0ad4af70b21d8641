#!/usr/bin/env bash
# alone: it measures
# Goodput of the library beside the kernel's on one emulated path, alternating in one run: as sender to the kernel, and as receiver
# from it. The kernel's side always sends with cubic; the library with CC (cubic).
#
#   goodput.sh [ROUNDS [NAME...]]    names of goodput.txt, all without; CC=reno|cubic|bbr; a table of medians on standard output
#
# Every transfer has a new emulator with the seed of its round, so both meet the same losses: frame number n is lost for both or for
# neither. A `must` line whose median as sender is below the kernel's is reported `below`; it is a failure with STRICT=1
# only, for a figure of a busy machine decides no test.
TEST_LIMIT=${TEST_LIMIT:-7200}
# shellcheck source=lib.sh
source "$(dirname "$0")/lib.sh"
rounds=${1:-3}
shift
cc=${CC:-cubic}
[ $# -gt 0 ] || mapfile -t names < <(awk '!/^#/ && NF { print $1 }' "$FAULTS/goodput.txt")
[ $# -eq 0 ] || names=("$@")
bad_network 1500
server_in "$PEER_NS" cubic
results=$WORK/goodput.tsv
: >"$results"

for name in "${names[@]}"; do
    read -r _ streams seconds _ faults < <(awk -v name="$name" '$1 == name' "$FAULTS/goodput.txt")
    [ -n "${faults:-}" ] || { not_ok "there is no line '$name' in goodput.txt"; continue; }
    seconds=${SECONDS_EACH:-$seconds}
    for ((round = 1; round <= rounds; round++)); do
        # ABBA: who comes first changes from round to round.
        order=(kernel library)
        [ $((round % 2)) = 1 ] || order=(library kernel)
        for op in put get; do
            for who in "${order[@]}"; do
                emulator_begin "$faults,seed=$round"
                used=cubic
                [ "$who$op" != libraryput ] || used=$cc
                transfer "$who" "$op" --seconds "$seconds" --streams "$streams" --cc "$used" --give-up $((seconds + 60)) ||
                    not_ok "$name $who $op: $(value .errors)"
                sleep 0.3
                emulator_end
                printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$who" "$op" "$(value .mbit)" "$(value '.info.total_retrans // "-"')" | tee -a "$results" >&2
            done
        done
    done
done

# The table, from $results: medians and ranges.
echo "| path | kernel sends | library sends ($cc) | ratio | kernel receives | library receives | ratio |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
awk -F'\t' -v aims="$FAULTS/goodput.txt" '
    function median(list,    n, v, i, j, t) {
        n = split(list, v, " ")
        for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
        low = v[1]; high = v[n]
        return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    }
    function cell(m) { return sprintf("%.1f (%.1f-%.1f)", m, low, high) }
    BEGIN { while ((getline line < aims) > 0) { split(line, w, " "); aim[w[1]] = w[4]; faults[w[1]] = w[5] (w[2] > 1 ? ", " w[2] " streams" : "") } }
    { if (!($1 in seen)) { seen[$1] = 1; order[++many] = $1 } all[$1, $2, $3] = all[$1, $2, $3] " " $4 }
    END {
        for (i = 1; i <= many; i++) {
            n = order[i]
            row = "| " n ": " faults[n]
            for (o = 1; o <= 2; o++) {
                op = o == 1 ? "put" : "get"
                k = median(all[n, "kernel", op]); row = row " | " cell(k)
                l = median(all[n, "library", op]); row = row " | " cell(l)
                r = k > 0 ? l / k : 0
                row = row " | " sprintf("%.2f", r)
                if (op == "put" && aim[n] == "must" && r < 1) { row = row " below"; below++ }
            }
            print row " |"
        }
        exit below ? 3 : 0
    }' "$results"
below=$?
[ -z "${RESULTS:-}" ] || cp "$results" "$RESULTS"
if [ $below = 3 ] && [ -n "${STRICT:-}" ]; then not_ok "the library sends slower than the kernel's cubic on a line with 'must'"; fi
finish
