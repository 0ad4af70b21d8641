/* TCP Fast Open (tcp(7)): MSG_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN and its kin. Both kernels have net.ipv4.tcp_fastopen = 3. */
#include "case.h"
#ifndef TCP_FASTOPEN_KEY
#define TCP_FASTOPEN_KEY 33
#endif
#ifndef TCP_FASTOPEN_NO_COOKIE
#define TCP_FASTOPEN_NO_COOKIE 34
#endif

static void on(int fd, int option) { setsockopt(fd, IPPROTO_TCP, option, &(int){1}, sizeof(int)); }

static ssize_t fast(int fd, const char *text, int port, int flags) {
    struct sockaddr_in a = at(peer_ip, port);
    return sendto(fd, text, strlen(text), MSG_FASTOPEN | flags, (void *)&a, sizeof a);
}

/* What came back, and whether the SYN's data counted. */
static void told(const char *what, int fd) {
    char buf[64] = "";
    unsigned char info[256] = {0};
    socklen_t len = sizeof info;
    ssize_t n = read(fd, buf, sizeof buf - 1);
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len);
    say(what, "read %zd \"%s\", SYN data %d, fail %d", n, buf, (info[5] & 32) != 0, info[7] >> 1 & 3);
}

/* Fetches the peer's cookie, whatever was before. */
static void fetch(int port) {
    int fd = tcp();
    fast(fd, "cookie", port, 0);
    char buf[16];
    if (read(fd, buf, sizeof buf) < 0) printf("fetch: %s\n", strerrorname_np(errno));
    close(fd);
}

CASE(fastopen_sendto) {
    fetch(ECHO_PORT);
    int fd = tcp();
    TRY("sendto", fast(fd, "hello", ECHO_PORT, 0));
    told("echo", fd);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("getpeername", getpeername(fd, (void *)&a, &len));
    TRY("again", fast(fd, "more", ECHO_PORT, 0));
    TRY("send", send(fd, "more", 4, 0));
    told("echo", fd);
    close(fd);
}

CASE(fastopen_nonblocking) {
    fetch(ECHO_PORT);
    int fd = tcp();
    nonblocking(fd);
    TRY("sendto", fast(fd, "hello", ECHO_PORT, 0));
    until(fd, POLLIN);
    told("echo", fd);
    fd = tcp();
    TRY("MSG_DONTWAIT", fast(fd, "hello", ECHO_PORT, MSG_DONTWAIT));
    until(fd, POLLIN);
    told("echo", fd);
    TRY("connect says it is done", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("once", connect_to(fd, peer_ip, ECHO_PORT));
}

CASE(fastopen_much) {
    fetch(ECHO_PORT);
    static char big[200000];
    memset(big, 'x', sizeof big);
    struct sockaddr_in a = at(peer_ip, COUNT);
    int fd = tcp();
    TRY("sendto", sendto(fd, big, sizeof big, MSG_FASTOPEN, (void *)&a, sizeof a));
    shutdown(fd, SHUT_WR);
    told("count", fd);
    fd = tcp();
    nonblocking(fd);
    ssize_t n = sendto(fd, big, sizeof big, MSG_FASTOPEN, (void *)&a, sizeof a);
    say("without waiting", "%s", n > 0 && n <= 1460 ? "what the SYN takes" : "something else");
    struct iovec v[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = v, .msg_iovlen = 3};
    fd = tcp();
    TRY("sendmsg", sendmsg(fd, &m, MSG_FASTOPEN));
    shutdown(fd, SHUT_WR);
    told("count", fd);
}

CASE(fastopen_errors) {
    int fd = tcp();
    struct sockaddr_in a = at(peer_ip, ECHO_PORT);
    TRY("no address", sendto(fd, "x", 1, MSG_FASTOPEN, NULL, 0));
    TRY("short address", sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&a, 8));
    a.sin_family = AF_UNSPEC;
    TRY("AF_UNSPEC", sendto(fd, "x", 1, MSG_FASTOPEN, (void *)&a, sizeof a));
    TRY("refused", fast(fd, "x", CLOSED, 0));
    say("SO_ERROR", "%d", pending_error(fd));
    TRY("and again", fast(fd, "x", CLOSED, 0));
    fd = dial(ECHO_PORT);
    TRY("connected", fast(fd, "x", ECHO_PORT, 0));
    int port, ls = listener(&port);
    TRY("listening", fast(ls, "x", ECHO_PORT, 0));
    TRY("not connected, without the flag", send(tcp(), "x", 1, MSG_NOSIGNAL));
    fd = udp();
    TRY("udp", fast(fd, "x", ECHO_PORT, 0));
}

CASE(fastopen_connect) {
    fetch(ECHO_PORT);
    int fd = tcp();
    on(fd, TCP_FASTOPEN_CONNECT);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    ready("before the first write", fd);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("getpeername", getpeername(fd, (void *)&a, &len));
    TRY("getsockname", getsockname(fd, (void *)&a, &len));
    say("our address", "%d", a.sin_addr.s_addr == own_ip.s_addr);
    TRY("too late", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){0}, 4));
    nonblocking(fd);
    char c;
    TRY("read", read(fd, &c, 1));
    TRY("connect again", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("write", write(fd, "hello", 5));
    until(fd, POLLIN);
    told("echo", fd);
    TRY("getpeername", getpeername(fd, (void *)&a, &len));
    ready("after", fd);
}

CASE(fastopen_connect_blocking) {
    fetch(ECHO_PORT);
    int fd = tcp();
    on(fd, TCP_FASTOPEN_CONNECT);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("send", send(fd, "hello", 5, 0));
    told("echo", fd);
    TRY("writev", writev(fd, (struct iovec[]){{"more", 4}, {"!", 1}}, 2));
    told("echo", fd);
    /* A deferred attempt that nobody answers. */
    fd = tcp();
    on(fd, TCP_FASTOPEN_CONNECT);
    TRY("connect to nobody", connect_to(fd, peer_ip, CLOSED));
    TRY("send to nobody", send(fd, "x", 1, MSG_NOSIGNAL));
    say("SO_ERROR", "%d", pending_error(fd));
}

CASE(fastopen_connect_given_up) {
    fetch(ECHO_PORT);
    int fd = tcp();
    on(fd, TCP_FASTOPEN_CONNECT);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("shutdown", shutdown(fd, SHUT_WR));
    ready("shut", fd);
    TRY("connect anew", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("close", close(fd));
}

CASE(fastopen_server) {
    int port, ls = listener(&port);
    TRY("listening", setsockopt(ls, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, 4));
    int value = 0;
    socklen_t len = sizeof value;
    getsockopt(ls, IPPROTO_TCP, TCP_FASTOPEN, &value, &len);
    say("TCP_FASTOPEN", "%d", value);
    int told_fd = tell_peer("fast", port, "hello");
    for (int i = 0; i < 2; i++) {
        sleep_until_readable(ls);
        int fd = accept(ls, NULL, NULL);
        OK("accept", fd);
        told("first bytes", fd);
        len = sizeof value;
        getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &value, &len);
        say("TCP_FASTOPEN of a child", "%d", value);
        TRY("answer", send(fd, "bye", 3, 0));
        TRY("close", close(fd));
    }
    peer_saw("the peer");
    close(told_fd);
}

CASE(fastopen_options) {
    static const int options[] = {TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, TCP_FASTOPEN_NO_COOKIE};
    int connected = dial(ECHO_PORT), port, ls = listener(&port);
    for (size_t o = 0; o < sizeof options / sizeof *options; o++)
        for (int v = -1; v <= 2; v++) {
            char what[64];
            snprintf(what, sizeof what, "option %d to %d", options[o], v);
            TRY(what, setsockopt(tcp(), IPPROTO_TCP, options[o], &v, sizeof v));
            TRY("connected", setsockopt(connected, IPPROTO_TCP, options[o], &v, sizeof v));
            TRY("listening", setsockopt(ls, IPPROTO_TCP, options[o], &v, sizeof v));
        }
    int fd = tcp();
    setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &(int){1 << 20}, 4);
    int value;
    socklen_t len = sizeof value;
    getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &value, &len);
    say("no more than somaxconn", "%d", value);
}

CASE(fastopen_key) {
    char key[40];
    static const int lengths[] = {0, 4, 15, 16, 17, 32, 33};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        int fd = tcp();
        memset(key, 'a' + (int)i, sizeof key);
        TRY("set", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, (socklen_t)lengths[i]));
        memset(key, '.', sizeof key);
        socklen_t len = sizeof key;
        TRY("get", getsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, key, &len));
        if (len > 32) len = 0;
        /* One that nobody set is the host's. */
        if (lengths[i] == 16 || lengths[i] == 32) say("key", "%u %.*s", len, (int)len, key);
    }
}
