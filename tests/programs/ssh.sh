#!/usr/bin/env bash
# ssh, scp and sftp under the library against a kernel sshd: a shell session with and without a terminal, 20 MB both ways by each,
# and forwarding in all three forms, where ssh itself listens and connects.
# shellcheck disable=SC2016  # variables for the shell at the other end
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need ssh scp sftp ssh-keygen /usr/sbin/sshd curl tshark "$PYTHON"

SIZE=20000000
make_data "$WORK/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
ssh-keygen -q -t ed25519 -N '' -f "$WORK/host_key"
ssh-keygen -q -t ed25519 -N '' -f "$WORK/user_key"
cat >"$WORK/sshd_config" <<SSHD
Port 2222
HostKey $WORK/host_key
AuthorizedKeysFile $WORK/user_key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
PrintMotd no
PrintLastLog no
Subsystem sftp internal-sftp
SSHD
cat >"$WORK/ssh_config" <<SSH
Host peer
    HostName $HOST_IP
    Port 2222
    User root
    IdentityFile $WORK/user_key
    IdentitiesOnly yes
    StrictHostKeyChecking yes
    UserKnownHostsFile $WORK/known_hosts
    GlobalKnownHostsFile none
    LogLevel ERROR
SSH
printf '[%s]:2222 %s\n' $HOST_IP "$(cut -d' ' -f1,2 "$WORK/host_key.pub")" >"$WORK/known_hosts"
mkdir -p /run/sshd
SSH=(ssh -F "$WORK/ssh_config")

for topology in direct bridged; do
    topology $topology
    peer_bg sshd /usr/sbin/sshd -D -e -f "$WORK/sshd_config"
    peer_ready 2222

    capture "$topology-session"
    check_equal "a command and its output" "$HOST_IP 2222 42" \
        "$(prog "${SSH[@]}" peer 'set -- $SSH_CONNECTION; echo $3 $4 $((6 * 7))' </dev/null)"
    check_capture 1000 1000
    prog "${SSH[@]}" peer 'exit 23' </dev/null
    check_equal "a command's status" 23 $?
    answer=$(printf 'cd /\nx=seven\nstty size\ntty\necho "$x, $PWD, $((2 + 3))"\nexit 9\n' | prog "${SSH[@]}" -tt peer /bin/sh | tr -d '\r')
    check_equal "a shell on a terminal ends with the shell's status" 9 $?
    check_match "a shell on a terminal" '(^|# )seven, /, 5$' "$answer"
    check_match "the terminal is one" '^(# )?/dev/pts/[0-9]+$' "$answer"
    check_equal "the address that sshd sees" "$PROG_IP" "$(prog "${SSH[@]}" peer 'echo ${SSH_CLIENT%% *}' </dev/null)"

    capture "$topology-stream"
    mark
    prog "${SSH[@]}" peer "tee $WORK/at-peer.data" <"$WORK/a.data" >"$WORK/back.data"
    check_equal "20 MB through tee end with 0" 0 $?
    same_file "20 MB through ssh, at the peer" "$WORK/a.data" "$WORK/at-peer.data"
    same_file "20 MB through ssh, and back" "$WORK/a.data" "$WORK/back.data"
    check_moved from $SIZE
    check_moved to $SIZE
    check_capture $SIZE $SIZE
    rm -f "$WORK/at-peer.data" "$WORK/back.data"

    capture "$topology-scp-up"
    prog scp -F "$WORK/ssh_config" -q "$WORK/a.data" "peer:$WORK/at-peer.data"
    check_equal "scp to the peer ends with 0" 0 $?
    same_file "20 MB by scp to the peer" "$WORK/a.data" "$WORK/at-peer.data"
    check_capture $SIZE 1000
    capture "$topology-scp-down"
    prog scp -F "$WORK/ssh_config" -q "peer:$WORK/b.data" "$WORK/at-prog.data"
    check_equal "scp from the peer ends with 0" 0 $?
    same_file "20 MB by scp from the peer" "$WORK/b.data" "$WORK/at-prog.data"
    check_capture 1000 $SIZE
    rm -f "$WORK/at-peer.data" "$WORK/at-prog.data"

    capture "$topology-sftp"
    printf 'put %s/a.data %s/at-peer.data\nget %s/b.data %s/at-prog.data\nls -l %s/at-peer.data\nbye\n' \
        "$WORK" "$WORK" "$WORK" "$WORK" "$WORK" | prog sftp -q -b - -F "$WORK/ssh_config" peer >"$WORK/sftp.out"
    check_equal "sftp ends with 0" 0 $?
    same_file "20 MB by sftp to the peer" "$WORK/a.data" "$WORK/at-peer.data"
    same_file "20 MB by sftp from the peer" "$WORK/b.data" "$WORK/at-prog.data"
    check_match "sftp's listing" " $SIZE .*at-peer.data" "$(cat "$WORK/sftp.out")"
    check_capture $SIZE $SIZE
    rm -f "$WORK/at-peer.data" "$WORK/at-prog.data"

    if [ $topology = direct ]; then continue; fi

    # -L listens on the device and on the kernel's loopback, -R connects for the peer, -D is a SOCKS server.
    http_peer
    head -c 5000000 "$WORK/b.data" >"$WORK/www/b.data"
    capture "$topology-forward"
    prog_bg forward "${SSH[@]}" -N -o ExitOnForwardFailure=yes -L "0.0.0.0:7000:127.0.0.1:8000" -L "127.0.0.1:7002:127.0.0.1:8000" \
        -R "127.0.0.1:7001:$HOST_IP:8000" -D "0.0.0.0:7003" peer
    forward=$LAST
    prog_ready 7000
    await 10 bound_in_peer 7001
    peer curl -sS -o "$WORK/out.data" http://$PROG_IP:7000/b.data
    same_file "-L on the device: 5 MB" "$WORK/www/b.data" "$WORK/out.data"
    check_equal "-L on the device: 5 MB to the server" "$(sum_of "$WORK/www/b.data")" \
        "$(peer curl -sS -T "$WORK/www/b.data" http://$PROG_IP:7000/up.data)"
    in_prog curl -sS -o "$WORK/out.data" http://127.0.0.1:7002/b.data 2>>"$WORK/prog.err"
    same_file "-L on the kernel's loopback: 5 MB" "$WORK/www/b.data" "$WORK/out.data"
    peer curl -sS -o "$WORK/out.data" http://127.0.0.1:7001/b.data
    same_file "-R: 5 MB" "$WORK/www/b.data" "$WORK/out.data"
    peer curl -sS -o "$WORK/out.data" --socks5 $PROG_IP:7003 http://127.0.0.1:8000/b.data
    same_file "-D: 5 MB" "$WORK/www/b.data" "$WORK/out.data"
    check_equal "a refused connection through -D (curl's 97)" 97 \
        "$(peer curl -s --socks5 $PROG_IP:7003 http://127.0.0.1:9/; echo $?)"
    stop "$forward"
    check_capture 20000000 20000000
    check_equal "a closed port is said to be" "ssh: connect to host $HOST_IP port 9: Connection refused" \
        "$(prog sh -c "ssh -F $WORK/ssh_config -p 9 peer true 2>&1" | tr -d '\r')"
done
finish
