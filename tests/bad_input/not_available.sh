#!/usr/bin/env bash
# Names that a later version fills are refused, not ignored.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON"
topology direct
while read -r name value; do
    OPTIONS=("$name=$value")
    probe env
    refused "$name" "$name" 'not available'
done <<'VALUES'
MATNET_STATS /tmp/stats.json
VALUES
finish
