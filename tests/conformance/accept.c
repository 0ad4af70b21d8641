/* accept(2) and accept4(2): flags, addresses, queues, wrong sockets. */
#include "case.h"

CASE(accept) {
    int port, l = listener(&port);
    nonblocking(l);
    TRY("nobody there", accept(l, NULL, NULL));
    ready("listener, idle", l);
    tell_peer("connect", port, "hi");
    sleep_until_readable(l);
    ready("listener, one waits", l);
    struct sockaddr_in a;
    memset(&a, 0xee, sizeof a);
    socklen_t len = sizeof a;
    int s = accept(l, (void *)&a, &len);
    OK("accept", s);
    say("peer", "family %d, length %u, the peer's address %d", a.sin_family, len, a.sin_addr.s_addr == peer_ip.s_addr);
    say("flags", "nonblock %d cloexec %d", !!(fcntl(s, F_GETFL) & O_NONBLOCK), fcntl(s, F_GETFD));
    sleep_until_readable(s);
    char buf[16] = "";
    TRY("data", read(s, buf, sizeof buf));
    close(s);

    tell_peer("connect", port, "");
    sleep_until_readable(l);
    len = 6;
    memset(&a, 0xee, sizeof a);
    s = accept4(l, (void *)&a, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    OK("accept4", s);
    say("cut address", "length %u, untouched byte %x", len, ((unsigned char *)&a)[6]);
    say("flags", "nonblock %d cloexec %d", !!(fcntl(s, F_GETFL) & O_NONBLOCK), fcntl(s, F_GETFD));
    TRY("nothing to read", read(s, buf, sizeof buf));
    close(s);
    TRY("bad flags", accept4(l, NULL, NULL, 0x40));
    len = (socklen_t)-1;
    TRY("negative length", accept(l, (void *)&a, &len));

    int one = 1;
    setsockopt(l, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(l, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct timeval tv = {1, 500000};
    setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    tell_peer("connect", port, "");
    sleep_until_readable(l);
    s = accept(l, NULL, NULL);
    len = sizeof one;
    one = 0;
    getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, &len);
    say("inherits SO_KEEPALIVE", "%d", one);
    one = 0;
    getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, &len);
    say("inherits TCP_NODELAY", "%d", one);
    len = sizeof tv;
    tv.tv_sec = 0;
    getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
    say("inherits SO_RCVTIMEO", "%ld.%06ld", (long)tv.tv_sec, (long)tv.tv_usec);
    TRY("accept on a connection", accept(s, NULL, NULL));
    close(s);

    tell_peer("rst", port, "bye");
    sleep_until_readable(l);
    settle();
    s = accept(l, NULL, NULL);
    OK("a connection that was reset meanwhile", s);
    TRY("read it", read(s, buf, sizeof buf));
    TRY("read it again", read(s, buf, sizeof buf));
    close(s);

    TRY("accept without listen", accept(tcp(), NULL, NULL));
    TRY("accept on UDP", accept(udp(), NULL, NULL));
    TRY("accept on a file", accept(open("/dev/null", O_RDWR), NULL, NULL));
    TRY("accept on nothing", accept(987, NULL, NULL));
    TRY("listen again", listen(l, 1));
    close(l);
    int fd = tell_peer("connect", port, "");
    TRY("listener is gone", read(fd, buf, sizeof buf));
    say("the peer says", "%.16s", buf);
}
