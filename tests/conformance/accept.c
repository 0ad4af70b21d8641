/* accept(2) and accept4(2): flags, addresses, queues, wrong sockets. */
#include "case.h"

static int nonblock_of(int fd) { return !!(fcntl(fd, F_GETFL) & O_NONBLOCK); }

static int one_waits(int l, int port, const char *how, const char *rest) {
    int told = tell_peer(how, port, rest);
    sleep_until_readable(l);
    return told;
}

CASE(accept_nobody) {
    int port, l = listener(&port);
    nonblocking(l);
    TRY("nobody there", accept(l, NULL, NULL));
    TRY("again", accept4(l, NULL, NULL, SOCK_NONBLOCK));
    ready("listener, idle", l);
}

CASE(accept_address) {
    int port, l = listener(&port);
    one_waits(l, port, "connect", "hi");
    ready("listener, one waits", l);
    struct sockaddr_in a;
    memset(&a, 0xee, sizeof a);
    socklen_t len = sizeof a;
    int s = accept(l, (void *)&a, &len);
    OK("accept", s);
    say("peer", "family %d, length %u, the peer's address %d", a.sin_family, len, a.sin_addr.s_addr == peer_ip.s_addr);
    say("padding", "%d%d", a.sin_zero[0], a.sin_zero[7]);
    ready("listener, taken", l);
    sleep_until_readable(s);
    char buf[16] = "";
    TRY("data", read(s, buf, sizeof buf));
}

CASE(accept_cut_address) {
    int port, l = listener(&port);
    one_waits(l, port, "connect", "");
    struct sockaddr_in a;
    memset(&a, 0xee, sizeof a);
    socklen_t len = 6;
    OK("accept", accept(l, (void *)&a, &len));
    say("cut address", "length %u, untouched byte %x", len, ((unsigned char *)&a)[6]);
    one_waits(l, port, "connect", "");
    len = 0;
    OK("no room", accept(l, (void *)&a, &len));
    say("length", "%u", len);
    one_waits(l, port, "connect", "");
    OK("address, no length", accept(l, NULL, &len));
    say("length", "%u", len);
    one_waits(l, port, "connect", "");
    len = (socklen_t)-1;
    TRY("negative length", accept(l, (void *)&a, &len));
    nonblocking(l);
    OK("is that connection still there?", accept(l, NULL, NULL));
}

CASE(accept4_flags) {
    int port, l = listener(&port);
    nonblocking(l);
    const int flags[] = {0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC};
    for (int i = 0; i < 4; i++) {
        one_waits(l, port, "connect", "");
        int s = accept4(l, NULL, NULL, flags[i]);
        OK("accept4", s);
        say("flags", "nonblock %d cloexec %d", nonblock_of(s), fcntl(s, F_GETFD));
        char c;
        if (flags[i] & SOCK_NONBLOCK) TRY("nothing to read", read(s, &c, 1));
    }
    one_waits(l, port, "connect", "");
    int s = accept(l, NULL, NULL);
    say("accept on a non-blocking listener", "nonblock %d cloexec %d", nonblock_of(s), fcntl(s, F_GETFD));
    TRY("bad flags", accept4(l, NULL, NULL, 0x40));
    TRY("bad flags, not a socket", accept4(open("/dev/null", O_RDWR), NULL, NULL, 0x40));
}

CASE(accept_inherits) {
    int port, l = listener(&port), one = 1, n;
    struct linger linger = {1, 7};
    struct timeval tv = {1, 500000};
    socklen_t len;
    setsockopt(l, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(l, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(l, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    n = 33;
    setsockopt(l, IPPROTO_TCP, TCP_KEEPIDLE, &n, sizeof n);
    n = 4;
    setsockopt(l, IPPROTO_TCP, TCP_KEEPCNT, &n, sizeof n);
    n = 0x10;
    setsockopt(l, IPPROTO_IP, IP_TOS, &n, sizeof n);
    n = 99;
    setsockopt(l, IPPROTO_IP, IP_TTL, &n, sizeof n);
    n = 50000;
    setsockopt(l, SOL_SOCKET, SO_SNDBUF, &n, sizeof n);
    one_waits(l, port, "connect", "");
    int s = accept(l, NULL, NULL);
    const struct {
        const char *name;
        int level, option;
    } list[] = {{"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE},   {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY},
                {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR},   {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE},
                {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT},    {"IP_TOS", IPPROTO_IP, IP_TOS},
                {"IP_TTL", IPPROTO_IP, IP_TTL},               {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF},
                {"SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN}, {"SO_TYPE", SOL_SOCKET, SO_TYPE}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        n = -1;
        len = sizeof n;
        TRY(list[i].name, getsockopt(s, list[i].level, list[i].option, &n, &len));
        say("is", "%d", n);
    }
    len = sizeof tv;
    tv.tv_sec = 0;
    getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
    say("SO_RCVTIMEO", "%ld.%06ld", (long)tv.tv_sec, (long)tv.tv_usec);
    len = sizeof linger;
    linger.l_linger = 0;
    getsockopt(s, SOL_SOCKET, SO_LINGER, &linger, &len);
    say("SO_LINGER", "%d %d", linger.l_onoff, linger.l_linger);
}

CASE(accept_reset_meanwhile) {
    int port, l = listener(&port);
    char buf[16];
    one_waits(l, port, "rst", "bye");
    settle();
    ready("listener", l);
    int s = accept(l, NULL, NULL);
    OK("a connection that was reset meanwhile", s);
    until(s, POLLHUP);
    ready("connection", s);
    TRY("read it", read(s, buf, sizeof buf));
    TRY("read it again", read(s, buf, sizeof buf));
}

CASE(accept_finished_meanwhile) {
    int port, l = listener(&port);
    char buf[16];
    one_waits(l, port, "fin", "bye");
    settle();
    int s = accept(l, NULL, NULL);
    ready("connection", s);
    TRY("read it", read(s, buf, sizeof buf));
    TRY("read the end", read(s, buf, sizeof buf));
    TRY("write is possible", write(s, "x", 1));
}

CASE(accept_wrong_sockets) {
    TRY("without listen", accept(tcp(), NULL, NULL));
    TRY("UDP", accept(udp(), NULL, NULL));
    TRY("a connection", accept(dial(ECHO_PORT), NULL, NULL));
    TRY("a file", accept(open("/dev/null", O_RDWR), NULL, NULL));
    TRY("nothing", accept(987, NULL, NULL));
    TRY("negative", accept(-1, NULL, NULL));
}

CASE(accept_from_a_copy) {
    int port, l = listener(&port), copy = dup(l);
    close(l);
    one_waits(copy, port, "connect", "x");
    OK("by the copy", accept(copy, NULL, NULL));
    nonblocking(copy);
    TRY("no more", accept(copy, NULL, NULL));
}

CASE(accept_after_shutdown) {
    int port = 4130, l = tcp(), one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bind_to(l, (struct in_addr){0}, port);
    listen(l, 4);
    one_waits(l, port, "connect", "");
    TRY("shutdown of the listener", shutdown(l, SHUT_RD));
    ready("after it", l);
    TRY("accept", accept(l, NULL, NULL));
    TRY("listen again", listen(l, 4));
    ready("listening again", l);
    one_waits(l, port, "connect", "");
    OK("accept", accept(l, NULL, NULL));
}

static void *waiting(void *p) {
    int s = accept((int)(intptr_t)p, NULL, NULL);
    return (void *)(intptr_t)(s < 0 ? errno : 0);
}

CASE(accept_one_each) {
    int port, l = listener(&port);
    pthread_t t[3];
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, waiting, (void *)(intptr_t)l);
    settle();
    for (int i = 0; i < 3; i++) tell_peer("connect", port, "");
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(t[i], &result);
        say("thread", "%d", (int)(intptr_t)result);
    }
    ready("nothing is left", l);
}
