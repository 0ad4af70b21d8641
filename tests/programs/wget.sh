#!/usr/bin/env bash
# wget: a download and an upload.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need wget tshark "$PYTHON"

SIZE=50000000
make_data "$WORK/in.data" $SIZE
for topology in direct bridged; do
    topology $topology
    http_peer
    ln -f "$WORK/in.data" "$WORK/www/in.data"

    capture "$topology-wget"
    mark
    prog wget -q -O "$WORK/out.data" http://$HOST_IP:8000/in.data
    check_equal "wget ends with 0" 0 $?
    same_file "download" "$WORK/in.data" "$WORK/out.data"
    check_moved to $SIZE
    check_capture 0 $SIZE

    capture "$topology-wget-up"
    mark
    prog wget -q -O "$WORK/answer" --method=PUT --body-file="$WORK/in.data" http://$HOST_IP:8000/up.data
    check_equal "the peer's sha256 of the upload" "$(sum_of "$WORK/in.data")" "$(cat "$WORK/answer")"
    check_moved from $SIZE
    check_capture $SIZE 0
    rm -f "$WORK/out.data" "$WORK/www/up.data"
done
finish
