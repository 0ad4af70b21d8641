/* Sockets that turn out to be the loopback's: what was set before bind, connect or the first datagram is there afterwards. */
#include "case.h"

static const struct in_addr any = {0}, lo = {0x0100007f};

static int lo_listener(int *port) {
    int fd = tcp();
    struct sockaddr_in a = at(lo, 0);
    socklen_t len = sizeof a;
    if (bind(fd, (void *)&a, len) < 0 || listen(fd, 16) < 0) exit(1);
    getsockname(fd, (void *)&a, &len);
    *port = ntohs(a.sin_port);
    return fd;
}

static void option(const char *what, int fd, int level, int name) {
    int v[4] = {-1, -1, -1, -1};
    socklen_t len = sizeof v;
    if (getsockopt(fd, level, name, v, &len) < 0) say(what, "%s", strerrorname_np(errno));
    else say(what, "%d of %u bytes", v[0], len);
}

CASE(move_bind_loopback) {
    int fd = tcp();
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("bind", bind_to(fd, lo, 0));
    getsockname(fd, (void *)&a, &len);
    say("name", "%s, %s", inet_ntoa(a.sin_addr), a.sin_port ? "a port" : "no port");
    TRY("bind again", bind_to(fd, lo, 0));
    TRY("listen", listen(fd, 3));
    option("SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
}

CASE(move_keeps_options) {
    int port, l = lo_listener(&port), fd = tcp(), one = 1, n = 33, size = 50000;
    struct timeval t = {2, 0}, u = {4, 0};
    struct linger g = {1, 6};
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &n, sizeof n);
    setsockopt(fd, IPPROTO_IP, IP_TTL, &n, sizeof n);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &u, sizeof u);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &g, sizeof g);
    TRY("connect", connect_to(fd, lo, port));
    option("SO_KEEPALIVE", fd, SOL_SOCKET, SO_KEEPALIVE);
    option("TCP_NODELAY", fd, IPPROTO_TCP, TCP_NODELAY);
    option("TCP_KEEPINTVL", fd, IPPROTO_TCP, TCP_KEEPINTVL);
    option("IP_TTL", fd, IPPROTO_IP, IP_TTL);
    option("SO_RCVBUF", fd, SOL_SOCKET, SO_RCVBUF);
    option("SO_SNDBUF", fd, SOL_SOCKET, SO_SNDBUF);
    option("SO_RCVTIMEO", fd, SOL_SOCKET, SO_RCVTIMEO);
    option("SO_SNDTIMEO", fd, SOL_SOCKET, SO_SNDTIMEO);
    option("SO_LINGER", fd, SOL_SOCKET, SO_LINGER);
    close(l);
}

CASE(move_keeps_flags) {
    int port, l = lo_listener(&port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int r = connect_to(fd, lo, port);
    say("connect", "%s", r == 0 || errno == EINPROGRESS ? "under way" : strerrorname_np(errno));
    say("flags", "nonblock %d, cloexec %d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK), fcntl(fd, F_GETFD));
    TRY("recv", recv(fd, &(char){0}, 1, 0));
    close(l);
}

CASE(move_keeps_copies) {
    int port, l = lo_listener(&port), fd = tcp(), copy = dup(fd);
    fcntl(copy, F_SETFD, FD_CLOEXEC);
    TRY("connect", connect_to(fd, lo, port));
    int s = accept(l, NULL, NULL);
    TRY("send by the copy", send(copy, "x", 1, 0));
    TRY("recv", recv(s, &(char){0}, 1, 0));
    close(fd);
    TRY("send by the copy", send(copy, "y", 1, 0));
    TRY("recv", recv(s, &(char){0}, 1, 0));
    say("cloexec", "%d", fcntl(copy, F_GETFD));
    close(copy);
    TRY("end", recv(s, &(char){0}, 1, 0));
}

CASE(move_keeps_port) {
    int port, l = lo_listener(&port), fd = tcp();
    struct sockaddr_in a, b, c;
    socklen_t len = sizeof a;
    TRY("bind", bind_to(fd, any, 0));
    getsockname(fd, (void *)&a, &len);
    TRY("connect", connect_to(fd, lo, port));
    getsockname(fd, (void *)&b, &len);
    OK("accept", accept(l, (void *)&c, &len));
    say("name", "%s, %s port", inet_ntoa(b.sin_addr), a.sin_port == b.sin_port ? "the same" : "another");
    say("peer sees", "%s port", a.sin_port == c.sin_port ? "the same" : "another");
}

CASE(move_keeps_epoll) {
    int port, l = lo_listener(&port), fd = tcp(), ep = epoll_create1(0);
    nonblocking(fd);
    struct epoll_event e = {.events = EPOLLOUT, .data.u64 = 0x1234567890}, got[2];
    TRY("add", epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
    connect_to(fd, lo, port);
    int n = epoll_wait(ep, got, 2, 2000);
    say("wait", "%d %s %llx", n, bits((int)got[0].events), (unsigned long long)got[0].data.u64);
    TRY("mod", epoll_ctl(ep, EPOLL_CTL_MOD, fd, &(struct epoll_event){.events = EPOLLIN}));
    int s = accept(l, NULL, NULL);
    TRY("send", send(s, "x", 1, 0));
    n = epoll_wait(ep, got, 2, 2000);
    say("wait", "%d %s", n, bits((int)got[0].events));
    TRY("del", epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
    TRY("wait", epoll_wait(ep, got, 2, 50));
}

CASE(move_udp_connect) {
    int u = udp(), v = udp();
    struct sockaddr_in a, b;
    socklen_t len = sizeof a;
    TRY("bind", bind_to(v, lo, 0));
    getsockname(v, (void *)&a, &len);
    TRY("bind", bind_to(u, any, 0));
    getsockname(u, (void *)&b, &len);
    TRY("connect", connect(u, (void *)&a, sizeof a));
    TRY("send", send(u, "abc", 3, 0));
    struct sockaddr_in from;
    char buf[8];
    TRY("recvfrom", recvfrom(v, buf, 8, 0, (void *)&from, &len));
    say("from", "%s, %s port", inet_ntoa(from.sin_addr), from.sin_port == b.sin_port ? "the same" : "another");
    getsockname(u, (void *)&b, &len);
    say("name", "%s, %s port", inet_ntoa(b.sin_addr), from.sin_port == b.sin_port ? "the same" : "another");
}

CASE(move_zero_is_here) {
    int port, l = lo_listener(&port), fd = tcp();
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("connect to 0.0.0.0", connect_to(fd, any, port));
    getpeername(fd, (void *)&a, &len);
    say("peer", "%s", inet_ntoa(a.sin_addr));
    close(l);
}

CASE(move_refused) {
    int fd = tcp();
    TRY("nobody listens", connect_to(fd, lo, 1));
    TRY("again", connect_to(fd, lo, 1));
    int port, l = lo_listener(&port);
    TRY("somebody does", connect_to(fd, lo, port));
    close(l);
}

static int moving;
static struct sockaddr_in sender;
static char heard[16];

static void *receives(void *p) {
    socklen_t len = sizeof sender;
    *(long *)p = recvfrom(moving, heard, sizeof heard - 1, 0, (void *)&sender, &len);
    return NULL;
}

/* A thread waits on the socket while another connects it to the loopback. */
CASE(move_under_a_receive) {
    int other = udp();
    long got = -2;
    pthread_t t;
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    moving = udp();
    TRY("bind", bind_to(moving, any, 0));
    TRY("bind the other", bind_to(other, lo, 0));
    pthread_create(&t, NULL, receives, &got);
    settle();
    getsockname(other, (void *)&a, &len);
    TRY("connect", connect(moving, (void *)&a, len));
    settle();
    getsockname(moving, (void *)&a, &len);
    TRY("sendto", sendto(other, "hello", 5, 0, (void *)&a, len));
    pthread_join(t, NULL);
    say("received", "%ld %s from %s", got, heard, inet_ntoa(sender.sin_addr));
}
