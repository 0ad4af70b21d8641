#!/usr/bin/env bash
# git under the library: clone and fetch from a kernel git daemon; clone, fetch and push over HTTP.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need git tshark "$PYTHON"

SIZE=4000000
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 HOME=$WORK
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@test GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@test
commit() { git -C "$1" add -A && git -C "$1" commit -q -m "$2" && git -C "$1" rev-parse HEAD; }
mkdir "$WORK/srv"
git init -q -b main "$WORK/origin"
make_data "$WORK/origin/a.bin" $SIZE
for i in $(seq 100); do echo "line $i" >"$WORK/origin/file$i"; done
commit "$WORK/origin" one >"$WORK/one"
git clone -q --bare "$WORK/origin" "$WORK/srv/r.git"
git -C "$WORK/srv/r.git" config http.receivepack true

topology bridged
peer_bg daemon git daemon --reuseaddr --export-all --base-path="$WORK/srv" --port=9418
peer_bg http "$PYTHON" "$HELPERS/git_http.py" 8000 "$WORK/srv"
peer_ready 9418
peer_ready 8000
for url in git://$HOST_IP/r.git http://$HOST_IP:8000/r.git; do
    kind=${url%%:*}
    capture "$kind-clone"
    prog git clone -q "$url" "$WORK/$kind"
    check_equal "clone by $kind ends with 0" 0 $?
    check_capture 100 $SIZE
    check_equal "the commit, by $kind" "$(git -C "$WORK/srv/r.git" rev-parse main)" "$(git -C "$WORK/$kind" rev-parse HEAD)"
    same_file "4 MB by $kind" "$WORK/origin/a.bin" "$WORK/$kind/a.bin"
    check "fsck of the clone by $kind" git -C "$WORK/$kind" fsck --full --strict
    make_data "$WORK/origin/b.bin" $SIZE
    commit "$WORK/origin" "for $kind" >/dev/null
    git -C "$WORK/origin" push -q "$WORK/srv/r.git" main
    capture "$kind-fetch"
    prog git -C "$WORK/$kind" pull -q --ff-only
    check_capture 100 $SIZE
    same_file "4 MB more by $kind" "$WORK/origin/b.bin" "$WORK/$kind/b.bin"
    check_match "ls-remote by $kind" "$(git -C "$WORK/srv/r.git" rev-parse main).*refs/heads/main" "$(prog git ls-remote "$url")"
done

make_data "$WORK/http/c.bin" $SIZE
pushed=$(commit "$WORK/http" pushed)
capture push
prog git -C "$WORK/http" push -q origin HEAD:refs/heads/pushed
check_equal "push by http ends with 0" 0 $?
check_capture $SIZE 100
check_equal "what was pushed" "$pushed" "$(git -C "$WORK/srv/r.git" rev-parse pushed)"
check "fsck of the server's repository" git -C "$WORK/srv/r.git" fsck --full --strict
git -C "$WORK/srv/r.git" show pushed:c.bin >"$WORK/c.data"
same_file "4 MB pushed" "$WORK/http/c.bin" "$WORK/c.data"
check_match "a repository that is not there" 'not found|access denied' "$(prog sh -c "git ls-remote http://$HOST_IP:8000/none.git 2>&1")"
finish
