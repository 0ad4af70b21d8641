#!/usr/bin/env bash
# rsync under the library: to a kernel rsync daemon, and both ways over ssh. (From a daemon it forks with its socket: see WAITING.md.)
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need rsync ssh ssh-keygen /usr/sbin/sshd tshark

SIZE=20000000
mkdir -p "$WORK/tree/deep/er" "$WORK/srv"
make_data "$WORK/tree/a.data" $SIZE
for i in $(seq 200); do make_data "$WORK/tree/deep/er/file$i" $((i * 37)); done
ln -s ../a.data "$WORK/tree/deep/link"
cat >"$WORK/rsyncd.conf" <<RSYNCD
use chroot = no
uid = root
gid = root
log file = $WORK/rsyncd.out
[srv]
    path = $WORK/srv
    read only = no
    munge symlinks = no
RSYNCD
ssh-keygen -q -t ed25519 -N '' -f "$WORK/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$WORK/user_key"
printf 'Port 2222\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPidFile none\n' \
    "$WORK/host_key" "$WORK/user_key.pub" >"$WORK/sshd_config"
mkdir -p /run/sshd
shell="ssh -F none -p 2222 -i $WORK/user_key -o StrictHostKeyChecking=no -o UserKnownHostsFile=$WORK/known_hosts -o LogLevel=ERROR"

topology bridged
peer_bg rsyncd rsync --daemon --no-detach --port=8730 --config="$WORK/rsyncd.conf"
peer_bg sshd /usr/sbin/sshd -D -e -f "$WORK/sshd_config"
peer_ready 8730
peer_ready 2222
capture daemon
prog rsync -a "$WORK/tree/" rsync://$HOST_IP:8730/srv/daemon/
check_equal "rsync to the daemon ends with 0" 0 $?
check "the tree at the daemon" diff -r --no-dereference "$WORK/tree" "$WORK/srv/daemon"
check_capture $SIZE 1000
# A change in the middle: only the difference travels.
printf 'changed' | dd of="$WORK/tree/a.data" bs=1 seek=10000000 conv=notrunc 2>/dev/null
touch -d '2030-01-01' "$WORK/tree/a.data"
capture difference
prog rsync -a --no-whole-file --stats "$WORK/tree/" rsync://$HOST_IP:8730/srv/daemon/ >"$WORK/stats"
same_file "the changed file" "$WORK/tree/a.data" "$WORK/srv/daemon/a.data"
check_match "only the difference was sent" '^Literal data: [0-9]{1,2},?[0-9]{0,3} bytes' "$(cat "$WORK/stats")"
check_capture 5000 5000
capture to-ssh
prog rsync -a -e "$shell" "$WORK/tree/" root@$HOST_IP:"$WORK/srv/ssh/"
check "the tree, sent over ssh" diff -r --no-dereference "$WORK/tree" "$WORK/srv/ssh"
check_capture $SIZE 1000
capture from-ssh
prog rsync -a -e "$shell" root@$HOST_IP:"$WORK/srv/ssh/" "$WORK/back/"
check "the tree, received over ssh" diff -r --no-dereference "$WORK/tree" "$WORK/back"
check_capture 1000 $SIZE
finish
