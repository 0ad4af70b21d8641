#!/usr/bin/env bash
# Apache with the event MPM in one process (-X; with children the listening socket would be inherited), which gives up root when it
# starts: static files, DAV, TLS, wrk.
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
need apache2 curl wrk tshark

SIZE=50000000
certificate
mkdir -p "$WORK/root/dav" "$WORK/lock"
chmod 777 "$WORK/root/dav" "$WORK/lock"
make_data "$WORK/root/a.data" $SIZE
make_data "$WORK/b.data" $SIZE
head -c 600 /dev/zero | tr '\0' x >"$WORK/root/page"
modules=/usr/lib/apache2/modules
cat >"$WORK/apache.conf" <<APACHE
ServerRoot $WORK
ServerName matnet.test
PidFile $WORK/apache.pid
DefaultRuntimeDir $WORK
Listen 0.0.0.0:8080
Listen 0.0.0.0:8443
LoadModule mpm_event_module $modules/mod_mpm_event.so
LoadModule authz_core_module $modules/mod_authz_core.so
LoadModule dav_module $modules/mod_dav.so
LoadModule dav_fs_module $modules/mod_dav_fs.so
LoadModule socache_shmcb_module $modules/mod_socache_shmcb.so
LoadModule ssl_module $modules/mod_ssl.so
User nobody
Group nogroup
ErrorLog $WORK/apache-error.log
LogLevel warn
EnableSendfile On
EnableMMAP Off
KeepAlive On
MaxKeepAliveRequests 0
DavLockDB $WORK/lock/davlock
DocumentRoot $WORK/root
<Directory $WORK/root/dav>
    Dav On
</Directory>
<VirtualHost *:8443>
    SSLEngine on
    SSLCertificateFile $WORK/cert.pem
    SSLCertificateKeyFile $WORK/key.pem
</VirtualHost>
APACHE

topology bridged
for run in files load; do
    OPTIONS=()
    [ $run = load ] || capture files
    prog_bg apache apache2 -X -f "$WORK/apache.conf"
    server=$LAST
    prog_ready 8080
    if [ $run = files ]; then
        for url in http://$PROG_IP:8080 https://$PROG_IP:8443; do
            peer curl -sS --cacert "$WORK/cert.pem" -o "$WORK/out.data" "$url/a.data"
            same_file "50 MB from $url" "$WORK/root/a.data" "$WORK/out.data"
            check_equal "50 MB to $url" 201 "$(peer curl -sS --cacert "$WORK/cert.pem" -o /dev/null -w '%{http_code}' -T "$WORK/b.data" "$url/dav/b.data")"
            same_file "50 MB to $url" "$WORK/b.data" "$WORK/root/dav/b.data"
            rm -f "$WORK/out.data" "$WORK/root/dav/b.data"
        done
        check_equal "a part of a file" "$(head -c 3000 "$WORK/root/a.data" | tail -c 1000 | sha256sum)" \
            "$(peer curl -sS -r 2000-2999 http://$PROG_IP:8080/a.data | sha256sum)"
    else
        report=$(peer wrk -t 1 -c 20 -d 2s http://$PROG_IP:8080/page)
        note "$(printf '%s' "$report" | grep -E 'Requests/sec' | tr -s ' ')"
        check_match "wrk, 20 kept connections" 'Requests/sec: +[1-9][0-9]+' "$report"
        check_equal "wrk, 20 kept connections: errors" 0 "$(printf '%s' "$report" | grep -cE 'Socket errors|Non-2xx')"
        report=$(peer wrk -t 1 -c 10 -d 1s -H 'Connection: close' http://$PROG_IP:8080/page)
        check_match "wrk, a connection for each request" 'Requests/sec: +[1-9][0-9]+' "$report"
        check_equal "wrk, a connection for each request: errors" 0 "$(printf '%s' "$report" | grep -cE 'Socket errors|Non-2xx')"
    fi
    check "apache ends when told" stop "$server"
    [ $run = load ] || check_capture $((2 * SIZE)) $((2 * SIZE))
done
if grep -E ':(error|crit|alert|emerg)\]' "$WORK/apache-error.log" >"$WORK/complaints"; then
    not_ok "apache complains: $(head -3 "$WORK/complaints")"
fi
finish
