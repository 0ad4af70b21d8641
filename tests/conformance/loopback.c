/* One socket, two worlds: what a program sees of its loopback when it listens on, or is bound to, the wildcard address. On the kernel both are
 * one network; under the library the loopback is the kernel's and the rest the stack's. */
#include "case.h"
#include <netinet/udp.h>

static const struct in_addr any = {0}, lo = {0x0100007f};

static int port_of(int fd) {
    struct sockaddr_in6 a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    return ntohs(a.sin6_port);
}

static int bound_udp(int *port) {
    int fd = udp();
    OK("bind", bind_to(fd, any, 0));
    *port = port_of(fd);
    return fd;
}

static void say_from(const char *what, int fd, int of) {
    char buf[64];
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    ssize_t n = recvfrom(fd, buf, sizeof buf - 1, 0, (void *)&a, &len);
    if (n < 0) {
        say(what, "%s", strerrorname_np(errno));
        return;
    }
    buf[n] = 0;
    say(what, "'%s' from %s, %s port", buf, inet_ntoa(a.sin_addr), ntohs(a.sin_port) == of ? "its" : "another");
}

static void send_to(const char *what, int fd, const char *text, struct in_addr ip, int port) {
    struct sockaddr_in a = at(ip, port);
    TRY(what, sendto(fd, text, strlen(text), 0, (void *)&a, sizeof a));
}

/* Connects to the loopback without waiting and keeps the descriptor. */
static int call_lo(int port) {
    int fd = tcp();
    if (connect_to(fd, lo, port) < 0) say("connect to the loopback", "%s", strerrorname_np(errno));
    return fd;
}

CASE(loopback_accept) {
    int port, l = listener(&port), c = call_lo(port);
    struct sockaddr_in a, own;
    socklen_t len = sizeof a;
    int s = accept(l, (void *)&a, &len);
    OK("accept", s);
    say("peer", "%s, %s, %d bytes", inet_ntoa(a.sin_addr), ntohs(a.sin_port) == port_of(c) ? "its port" : "another", len);
    len = sizeof own;
    TRY("getsockname", getsockname(s, (void *)&own, &len));
    say("own", "%s, %s", inet_ntoa(own.sin_addr), ntohs(own.sin_port) == port ? "the listener's port" : "another");
    char buf[8] = "";
    TRY("send", send(c, "hello", 5, 0));
    TRY("recv", recv(s, buf, 8, 0));
    TRY("back", send(s, "there", 5, 0));
    TRY("recv", recv(c, buf, 8, 0));
    close(c);
    TRY("end", recv(s, buf, 8, 0));
}

CASE(loopback_accept_polled) {
    int port, l = listener(&port);
    ready("nobody", l);
    int c = call_lo(port);
    ready("one", l);
    int d = call_lo(port);
    ready("two", l);
    OK("accept", accept(l, NULL, NULL));
    ready("one left", l);
    OK("accept", accept(l, NULL, NULL));
    ready("none left", l);
    nonblocking(l);
    TRY("accept", accept(l, NULL, NULL));
    close(c), close(d);
}

CASE(loopback_accept_select) {
    int port, l = listener(&port), c = call_lo(port);
    fd_set in;
    FD_ZERO(&in);
    FD_SET(l, &in);
    struct timeval t = {0, 0};
    TRY("select", select(l + 1, &in, NULL, NULL, &t));
    say("set", "%d", FD_ISSET(l, &in));
    close(c);
}

CASE(loopback_accept_flags) {
    int port, l = listener(&port), c = call_lo(port), d = call_lo(port);
    nonblocking(l);
    int s = accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    say("accept4", "fd %s, nonblock %d, cloexec %d", s >= 0 ? "ok" : "none", !!(fcntl(s, F_GETFL) & O_NONBLOCK), fcntl(s, F_GETFD));
    s = accept(l, NULL, NULL);
    say("accept", "fd %s, nonblock %d, cloexec %d", s >= 0 ? "ok" : "none", !!(fcntl(s, F_GETFL) & O_NONBLOCK), fcntl(s, F_GETFD));
    TRY("bad flags", accept4(l, NULL, NULL, 1));
    close(c), close(d);
}

CASE(loopback_accept_number) {
    int port, l = listener(&port), c = call_lo(port);
    int low = dup(0);
    close(low);
    int s = accept(l, NULL, NULL);
    say("accept", "%s", s == low ? "the lowest free number" : "another number");
    close(c);
}

CASE(loopback_accept_inherits) {
    int l = tcp(), one = 1, idle = 77, v;
    struct timeval t = {3, 0};
    struct linger g = {1, 4};
    socklen_t len;
    TRY("before bind", setsockopt(l, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one));
    TRY("bind", bind_to(l, any, 0));
    TRY("after bind", setsockopt(l, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one));
    TRY("listen", listen(l, 5));
    TRY("after listen", setsockopt(l, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle));
    TRY("linger", setsockopt(l, SOL_SOCKET, SO_LINGER, &g, sizeof g));
    TRY("time-out", setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
    int c = call_lo(port_of(l)), s = accept(l, NULL, NULL);
    len = sizeof v, getsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &v, &len), say("SO_KEEPALIVE", "%d", v);
    len = sizeof v, getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, &len), say("TCP_NODELAY", "%d", v);
    len = sizeof v, getsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &v, &len), say("TCP_KEEPIDLE", "%d", v);
    len = sizeof g, getsockopt(s, SOL_SOCKET, SO_LINGER, &g, &len), say("SO_LINGER", "%d %d", g.l_onoff, g.l_linger);
    len = sizeof t, getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, &len), say("SO_RCVTIMEO", "%ld", (long)t.tv_sec);
    close(c);
}

CASE(loopback_accept_timeout) {
    int port, l = listener(&port);
    struct timeval t = {0, 100000};
    setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    TRY("nobody comes", accept(l, NULL, NULL));
    int c = call_lo(port);
    OK("somebody came", accept(l, NULL, NULL));
    close(c);
}

static void *accept_one(void *l) { return (void *)(long)accept((int)(long)l, NULL, NULL); }

CASE(loopback_accept_threads) {
    int port, l = listener(&port), c[3];
    pthread_t t[3];
    for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, accept_one, (void *)(long)l);
    settle();
    for (int i = 0; i < 3; i++) c[i] = call_lo(port);
    for (int i = 0; i < 3; i++) {
        void *s;
        pthread_join(t[i], &s);
        say("a thread", "%s", (long)s >= 0 ? "accepted" : "failed");
        close(c[i]);
    }
}

CASE(loopback_accept_both_worlds) {
    int port, l = listener(&port), c = call_lo(port), d = tcp(), n = 0, m = 0;
    say("own address", "%s", connect_to(d, own_ip, port) < 0 ? strerrorname_np(errno) : "ok");
    for (int i = 0; i < 2; i++) {
        struct sockaddr_in a;
        socklen_t len = sizeof a;
        if (accept(l, (void *)&a, &len) < 0) say("accept", "%s", strerrorname_np(errno));
        if (a.sin_addr.s_addr == lo.s_addr) n++;
        if (a.sin_addr.s_addr == own_ip.s_addr) m++;
    }
    say("accepted", "%d of the loopback, %d of the own address", n, m);
    close(c), close(d);
}

static void wait_for(const char *what, int ep, int ms) {
    struct epoll_event e[4];
    int n = epoll_wait(ep, e, 4, ms);
    say(what, "%d%s%s", n, n > 0 ? " " : "", n > 0 ? bits((int)e[0].events) : "");
}

static void *call_later(void *port) {
    settle();
    return (void *)(long)call_lo((int)(long)port);
}

CASE(loopback_epoll_level) {
    int port, l = listener(&port), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    TRY("add", epoll_ctl(ep, EPOLL_CTL_ADD, l, &e));
    wait_for("nobody", ep, 0);
    int c = call_lo(port);
    wait_for("one", ep, 0);
    wait_for("still", ep, 0);
    OK("accept", accept(l, NULL, NULL));
    wait_for("none", ep, 0);
    pthread_t t;
    pthread_create(&t, NULL, call_later, (void *)(long)port);
    wait_for("later", ep, 3000);
    close(c);
}

CASE(loopback_epoll_edge) {
    int port, l = listener(&port), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    TRY("add", epoll_ctl(ep, EPOLL_CTL_ADD, l, &e));
    call_lo(port);
    wait_for("an edge", ep, 1000);
    wait_for("one edge", ep, 0);
    call_lo(port);
    wait_for("another", ep, 1000);
    wait_for("no third", ep, 0);
}

CASE(loopback_epoll_oneshot) {
    int port, l = listener(&port), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN | EPOLLONESHOT};
    TRY("add", epoll_ctl(ep, EPOLL_CTL_ADD, l, &e));
    call_lo(port);
    wait_for("fires", ep, 1000);
    call_lo(port);
    wait_for("fired", ep, 100);
    TRY("arm", epoll_ctl(ep, EPOLL_CTL_MOD, l, &e));
    wait_for("fires again", ep, 1000);
}

static void *wait_forever(void *ep) {
    struct epoll_event e;
    return (void *)(long)epoll_wait((int)(long)ep, &e, 1, 700);
}

CASE(loopback_epoll_exclusive) {
    int port, l = listener(&port), n = 0, ep[3];
    pthread_t t[3];
    for (int i = 0; i < 3; i++) {
        struct epoll_event e = {.events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE};
        ep[i] = epoll_create1(0);
        if (epoll_ctl(ep[i], EPOLL_CTL_ADD, l, &e) < 0) say("add", "%s", strerrorname_np(errno));
        pthread_create(&t[i], NULL, wait_forever, (void *)(long)ep[i]);
    }
    settle();
    call_lo(port);
    for (int i = 0; i < 3; i++) {
        void *r;
        pthread_join(t[i], &r);
        n += (long)r > 0;
    }
    say("woken", "%d", n);
}

CASE(loopback_epoll_nested) {
    int port, l = listener(&port), in = epoll_create1(0), out = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN};
    TRY("inner", epoll_ctl(in, EPOLL_CTL_ADD, l, &e));
    TRY("outer", epoll_ctl(out, EPOLL_CTL_ADD, in, &e));
    pthread_t t;
    pthread_create(&t, NULL, call_later, (void *)(long)port);
    wait_for("outer", out, 3000);
    wait_for("inner", in, 1000);
    OK("accept", accept(l, NULL, NULL));
    settle();
    wait_for("inner after", in, 0);
}

CASE(loopback_listener_closed) {
    int port, l = listener(&port), c = call_lo(port);
    close(l);
    settle();
    char b;
    TRY("the one in the queue", recv(c, &b, 1, 0));
    TRY("another", connect_to(tcp(), lo, port));
}

CASE(loopback_listener_shut) {
    int port, l = listener(&port);
    TRY("shutdown", shutdown(l, SHUT_RD));
    TRY("connect", connect_to(tcp(), lo, port));
    TRY("accept", accept(l, NULL, NULL));
    TRY("listen again", listen(l, 4));
    // A port that the system chose is given back.
    int c = call_lo(port_of(l));
    OK("accept", accept(l, NULL, NULL));
    close(c);
}

CASE(loopback_listener_backlog) {
    int l = tcp(), n = 0;
    TRY("bind", bind_to(l, any, 0));
    TRY("listen", listen(l, 1));
    int port = port_of(l);
    for (int i = 0; i < 2; i++) n += connect_to(tcp(), lo, port) == 0;
    int c = tcp();
    nonblocking(c);
    connect_to(c, lo, port);
    struct pollfd p = {c, POLLOUT, 0};
    say("connected", "%d, and one %s", n, poll(&p, 1, 200) ? "more" : "waits");
    TRY("listen for more", listen(l, 8));
    OK("accept", accept(l, NULL, NULL));
    say("the last", "%s", poll(&p, 1, 5000) ? "is in" : "waits");
}

CASE(loopback_reuseport) {
    int one = 1, a = tcp(), b = tcp(), n = 0, m = 0;
    TRY("reuseport", setsockopt(a, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one));
    TRY("reuseport", setsockopt(b, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one));
    TRY("bind", bind_to(a, any, 0));
    int port = port_of(a);
    TRY("bind", bind_to(b, any, port));
    TRY("listen", listen(a, 64));
    TRY("listen", listen(b, 64));
    nonblocking(a), nonblocking(b);
    for (int i = 0; i < 40; i++) call_lo(port);
    while (accept(a, NULL, NULL) >= 0) n++;
    while (accept(b, NULL, NULL) >= 0) m++;
    say("all", "%d, %s", n + m, n > 0 && m > 0 ? "shared" : "one has all");
}

CASE(loopback_accept_close_range) {
    int port, l = listener(&port);
    closefrom(l + 1);
    int c = call_lo(port);
    OK("accept", accept(l, NULL, NULL));
    TRY("close_range", close_range((unsigned)c + 1, ~0u, 0));
    int d = call_lo(port);
    OK("accept", accept(l, NULL, NULL));
    close(d);
}

CASE(loopback_udp_both_ways) {
    int port, u = bound_udp(&port), v = udp();
    send_to("to the wildcard socket", v, "one", lo, port);
    ready("there", u);
    say_from("received", u, port_of(v));
    send_to("back", u, "two", lo, port_of(v));
    say_from("received", v, port);
    nonblocking(u);
    ready("empty", u);
    say_from("nothing more", u, 0);
}

CASE(loopback_udp_two_worlds) {
    int port, u = bound_udp(&port), got = 0, echo = 0;
    struct sockaddr_in a = at(peer_ip, ECHO_PORT);
    TRY("to the peer", sendto(u, "net", 3, 0, (void *)&a, sizeof a));
    int v = udp();
    send_to("over the loopback", v, "lo", lo, port);
    for (int i = 0; i < 2; i++) {
        sleep_until_readable(u);
        char b[8] = "";
        socklen_t len = sizeof a;
        if (recvfrom(u, b, 8, MSG_DONTWAIT, (void *)&a, &len) < 0) continue;
        got += strcmp(b, "lo") == 0 && a.sin_addr.s_addr == lo.s_addr;
        echo += strcmp(b, "net") == 0 && a.sin_addr.s_addr == peer_ip.s_addr;
    }
    say("received", "%d of the loopback, %d of the peer", got, echo);
}

static void *send_later(void *port) {
    settle();
    struct sockaddr_in a = at(lo, (int)(long)port);
    sendto(udp(), "late", 4, 0, (void *)&a, sizeof a);
    return NULL;
}

CASE(loopback_udp_blocked) {
    int port, u = bound_udp(&port);
    char b[8];
    pthread_t t;
    pthread_create(&t, NULL, send_later, (void *)(long)port);
    TRY("recv", recv(u, b, 8, 0));
    pthread_join(t, NULL);
    pthread_create(&t, NULL, send_later, (void *)(long)port);
    struct pollfd p = {u, POLLIN, 0};
    TRY("poll", poll(&p, 1, 3000));
    TRY("recv", recv(u, b, 8, MSG_DONTWAIT));
}

CASE(loopback_udp_peek) {
    int port, u = bound_udp(&port), v = udp(), n = -1;
    char b[8] = "";
    send_to("send", v, "abcdef", lo, port);
    TRY("FIONREAD", ioctl(u, FIONREAD, &n));
    say("queued", "%d", n);
    TRY("peek", recv(u, b, 3, MSG_PEEK));
    TRY("peek whole", recv(u, b, 3, MSG_PEEK | MSG_TRUNC));
    struct iovec v2[2] = {{b, 2}, {b + 2, 2}};
    struct msghdr m = {.msg_iov = v2, .msg_iovlen = 2};
    TRY("recvmsg", recvmsg(u, &m, 0));
    say("flags", "%s, '%s'", m.msg_flags & MSG_TRUNC ? "truncated" : "whole", b);
    TRY("gone", recv(u, b, 3, MSG_DONTWAIT));
}

CASE(loopback_udp_unbound_sender) {
    int port, u = bound_udp(&port), v = udp();
    send_to("send", v, "x", lo, port);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    getsockname(v, (void *)&a, &len);
    say("sender's name", "%s, %s", inet_ntoa(a.sin_addr), a.sin_port ? "a port" : "no port");
    say_from("received", u, ntohs(a.sin_port));
    struct sockaddr_in p = at(peer_ip, ECHO_PORT);
    TRY("then to the peer", sendto(v, "net", 3, 0, (void *)&p, sizeof p));
    say_from("echoed", v, ECHO_PORT);
}

CASE(loopback_udp_connected) {
    int port, u = bound_udp(&port), v = udp();
    char b[8];
    TRY("connect", connect_to(v, lo, port));
    TRY("send", send(v, "abc", 3, 0));
    say_from("received", u, port_of(v));
    close(u);
    TRY("nobody there", send(v, "abc", 3, 0));
    TRY("told", recv(v, b, 8, 0));
}

CASE(loopback_udp_connect_to_net) {
    int port, u = bound_udp(&port), v = udp();
    TRY("connect", connect_to(u, peer_ip, ECHO_PORT));
    send_to("a stranger", v, "no", lo, port);
    TRY("send", send(u, "yes", 3, 0));
    say_from("received", u, ECHO_PORT);
    TRY("nothing else", recv(u, &(char){0}, 1, MSG_DONTWAIT));
}

CASE(loopback_udp_mmsg) {
    int port, u = bound_udp(&port), v = udp();
    char b[4][8] = {"a", "bb", "ccc", "dddd"};
    struct iovec io[4];
    struct mmsghdr m[4] = {0};
    struct sockaddr_in a = at(lo, port);
    for (int i = 0; i < 4; i++) {
        io[i] = (struct iovec){b[i], (size_t)i + 1};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &io[i], .msg_iovlen = 1, .msg_name = &a, .msg_namelen = sizeof a};
    }
    TRY("sendmmsg", sendmmsg(v, m, 4, 0));
    for (int i = 0; i < 4; i++) io[i].iov_len = 8, m[i].msg_hdr.msg_name = NULL, m[i].msg_hdr.msg_namelen = 0;
    TRY("recvmmsg", recvmmsg(u, m, 4, MSG_WAITFORONE, NULL));
    for (int i = 0; i < 4; i++) say("length", "%u", m[i].msg_len);
}

CASE(loopback_udp_epoll) {
    int port, u = bound_udp(&port), v = udp(), ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    TRY("add", epoll_ctl(ep, EPOLL_CTL_ADD, u, &e));
    send_to("send", v, "a", lo, port);
    wait_for("an edge", ep, 1000);
    wait_for("once", ep, 0);
    send_to("send", v, "b", lo, port);
    wait_for("another", ep, 1000);
    TRY("recv", recv(u, &(char){0}, 1, 0));
    TRY("recv", recv(u, &(char){0}, 1, 0));
    wait_for("empty", ep, 0);
}

CASE(loopback_udp_errors) {
    int port, gone = bound_udp(&port), u = udp(), one = 1, own;
    OK("bind", bind_to(u, any, 0));
    own = port_of(u);
    TRY("IP_RECVERR", setsockopt(u, IPPROTO_IP, IP_RECVERR, &one, sizeof one));
    close(gone);
    send_to("to nobody", u, "lost", lo, port);
    until(u, 0);
    ready("told", u);
    say("SO_ERROR", "%s", strerrorname_np(pending_error(u)));
    say("SO_ERROR again", "%d", pending_error(u));
    char b[16] = "", control[256];
    struct sockaddr_in to;
    struct iovec io = {b, sizeof b};
    struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &io, .msg_iovlen = 1,
                       .msg_control = control, .msg_controllen = sizeof control};
    TRY("the error's entry", recvmsg(u, &m, MSG_ERRQUEUE));
    say("it says", "'%s' to %s, %s port, %s", b, inet_ntoa(to.sin_addr), ntohs(to.sin_port) == port ? "that" : "another",
        m.msg_flags & MSG_ERRQUEUE ? "of the error queue" : "ordinary");
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    say("control", "%d %d", c ? c->cmsg_level : -1, c ? c->cmsg_type : -1);
    TRY("no more", recvmsg(u, &m, MSG_ERRQUEUE));
    ready("quiet", u);
    send_to("to nobody again", u, "lost", lo, port);
    until(u, 0);
    TRY("recv is told", recv(u, b, sizeof b, MSG_DONTWAIT));
    TRY("once", recv(u, b, sizeof b, MSG_DONTWAIT));
    send_to("to itself", u, "here", lo, own);
    say_from("received", u, own);
}

CASE(loopback_udp_pktinfo) {
    int port, u = bound_udp(&port), v = udp(), one = 1;
    TRY("IP_PKTINFO", setsockopt(u, IPPROTO_IP, IP_PKTINFO, &one, sizeof one));
    TRY("IP_RECVTTL", setsockopt(u, IPPROTO_IP, IP_RECVTTL, &one, sizeof one));
    send_to("send", v, "x", lo, port);
    char b[4], control[256];
    struct iovec io = {b, sizeof b};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    TRY("recvmsg", recvmsg(u, &m, 0));
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo p;
            memcpy(&p, CMSG_DATA(c), sizeof p);
            say("IP_PKTINFO", "device %d, to %s", p.ipi_ifindex, inet_ntoa(p.ipi_addr));
        } else {
            say("another", "%d %d", c->cmsg_level, c->cmsg_type);
        }
    }
}

CASE(loopback_udp_shut) {
    int port, u = bound_udp(&port), v = udp();
    struct sockaddr_in a = at(lo, port);
    TRY("shutdown, not connected", shutdown(u, SHUT_RD));
    TRY("sendto", sendto(v, "x", 1, 0, (void *)&a, sizeof a));
    ready("after it", u);
}

CASE(loopback_udp_reconnect) {
    int port, u = bound_udp(&port), v = udp();
    struct sockaddr_in none = {.sin_family = AF_UNSPEC};
    TRY("connect to the net", connect_to(u, peer_ip, ECHO_PORT));
    TRY("dissolve", connect(u, (void *)&none, sizeof none));
    OK("bind", bind_to(u, any, 0));
    send_to("the loopback again", v, "back", lo, port_of(u));
    say_from("received", u, port_of(v));
}
