/* A thread blocked on a socket that another closes, shuts, or answers; a close never ends a wait on Linux, a shutdown does. */
#include "case.h"

enum op { RECV, ACCEPT, SEND, POLL, EPOLL, CONNECT, SELECT, RECVFROM, WAITALL };

struct blocked {
    pthread_t thread;
    enum op op;
    int fd, ep;
    volatile pid_t tid;
    long result;
    int error, events, done;
};

static void *block(void *p) {
    struct blocked *b = p;
    static char big[1 << 20];
    char buf[64];
    struct pollfd f = {b->fd, POLLIN, 0};
    struct epoll_event ev = {0};
    fd_set r;
    FD_ZERO(&r);
    FD_SET(b->fd, &r);
    struct timeval tv = {1, 0};
    errno = 0;
    b->tid = gettid();
    switch (b->op) {
    case RECV: b->result = recv(b->fd, buf, sizeof buf, 0); break;
    case RECVFROM: b->result = recvfrom(b->fd, buf, sizeof buf, 0, NULL, NULL); break;
    case WAITALL: b->result = recv(b->fd, buf, sizeof buf, MSG_WAITALL); break;
    case ACCEPT: b->result = accept(b->fd, NULL, NULL) < 0 ? -1 : 0; break;
    case SEND:
        while ((b->result = send(b->fd, big, sizeof big, MSG_NOSIGNAL)) == sizeof big) {}
        if (b->result > 0) b->result = send(b->fd, big, sizeof big, MSG_NOSIGNAL);
        break;
    case POLL:
        b->result = poll(&f, 1, 1000);
        b->events = f.revents;
        break;
    case SELECT: b->result = select(b->fd + 1, &r, NULL, NULL, &tv); break;
    case EPOLL:
        b->result = epoll_wait(b->ep, &ev, 1, 1000);
        b->events = (int)ev.events;
        break;
    case CONNECT: b->result = connect_to(b->fd, (struct in_addr){htonl((ntohl(peer_ip.s_addr) & ~255u) | 77)}, 9); break;
    }
    b->error = errno;
    b->done = 1;
    return NULL;
}

static void start(struct blocked *b, enum op op, int fd) {
    *b = (struct blocked){.op = op, .fd = fd};
    if (op == EPOLL) {
        b->ep = epoll_create1(0);
        struct epoll_event ev = {EPOLLIN | EPOLLRDHUP, {0}};
        epoll_ctl(b->ep, EPOLL_CTL_ADD, fd, &ev);
    }
    pthread_create(&b->thread, NULL, block, b);
    until_asleep(&b->tid);
}

static void ended(const char *what, struct blocked *b) {
    pthread_join(b->thread, NULL);
    say(what, "%ld %s %s", b->result, b->result < 0 ? strerrorname_np(b->error) : "-", bits(b->events));
}

static void still(const char *what, struct blocked *b) {
    settle();
    say(what, "%s", b->done ? "ended" : "waits on");
}

CASE(close_while_recv) {
    struct blocked b;
    int port, l = listener(&port), c = tell_peer("script", port, ".....late.$"), fd = accept(l, NULL, NULL);
    start(&b, RECV, fd);
    TRY("close", close(fd));
    still("recv", &b);
    ended("the data arrives all the same", &b);
    close(c);
}

CASE(close_while_recv_then_the_peer_hears) {
    struct blocked b;
    int fd = dial(REPORT);
    start(&b, RECV, fd);
    close(fd);
    still("recv", &b);
    shutdown(0, SHUT_RD);
    TRY("the number is closed", send(fd, "x", 1, 0));
}

CASE(close_while_accept) {
    struct blocked b;
    int port, l = listener(&port);
    start(&b, ACCEPT, l);
    close(l);
    still("accept", &b);
    int c = tell_peer("script", port, "..");
    ended("it accepts one more", &b);
    char answer[64] = "";
    int d = tell_peer("script", port, "..");
    read_all(d, answer, sizeof answer - 1);
    say("then the port is closed", "%s", answer[0] ? "refused" : "open");
    close(c);
}

CASE(close_while_poll) {
    struct blocked b;
    int fd = dial(LATE);
    start(&b, POLL, fd);
    close(fd);
    /* Whether it looks before something happens is nobody's promise. */
    ended("poll", &b);
}

CASE(close_while_select) {
    struct blocked b;
    int fd = dial(ECHO_PORT);
    start(&b, SELECT, fd);
    close(fd);
    ended("select", &b);
}

CASE(close_while_epoll) {
    struct blocked b;
    int fd = dial(LATE);
    start(&b, EPOLL, fd);
    close(fd);
    still("epoll_wait", &b);
    ended("epoll_wait", &b);
}

CASE(close_while_send) {
    struct blocked b;
    int fd = dial(IGNORE), two = dup(fd);
    start(&b, SEND, fd);
    close(fd);
    still("send", &b);
    shutdown(two, SHUT_RDWR);
    ended("shut by the dup", &b);
}

CASE(close_while_connect) {
    struct blocked b;
    int fd = tcp(), two = dup(fd);
    start(&b, CONNECT, fd);
    close(fd);
    still("connect", &b);
    shutdown(two, SHUT_RDWR);
    ended("shut by the dup", &b);
}

CASE(shutdown_while_recv) {
    struct blocked b;
    int fd = dial(ECHO_PORT);
    start(&b, RECV, fd);
    shutdown(fd, SHUT_WR);
    ended("SHUT_WR: the peer ends", &b);
    fd = dial(IGNORE);
    start(&b, RECV, fd);
    shutdown(fd, SHUT_RD);
    ended("SHUT_RD", &b);
    fd = dial(IGNORE);
    start(&b, WAITALL, fd);
    shutdown(fd, SHUT_RDWR);
    ended("SHUT_RDWR, MSG_WAITALL", &b);
}

CASE(shutdown_while_accept) {
    struct blocked b;
    int port, l = listener(&port);
    start(&b, ACCEPT, l);
    shutdown(l, SHUT_WR);
    still("SHUT_WR", &b);
    shutdown(l, SHUT_RD);
    ended("SHUT_RD", &b);
}

CASE(shutdown_while_two_accept) {
    struct blocked a, b;
    int port, l = listener(&port);
    start(&a, ACCEPT, l);
    start(&b, ACCEPT, l);
    shutdown(l, SHUT_RDWR);
    ended("one", &a);
    ended("the other", &b);
}

CASE(shutdown_while_poll) {
    struct blocked b;
    int fd = dial(ECHO_PORT), port, l = listener(&port);
    start(&b, POLL, fd);
    shutdown(fd, SHUT_RD);
    ended("poll", &b);
    start(&b, POLL, l);
    shutdown(l, SHUT_RDWR);
    ended("poll of a listener", &b);
}

CASE(shutdown_while_epoll) {
    struct blocked b;
    int fd = dial(ECHO_PORT);
    start(&b, EPOLL, fd);
    shutdown(fd, SHUT_RD);
    ended("epoll_wait", &b);
}

CASE(shutdown_while_send) {
    struct blocked b;
    int fd = dial(IGNORE);
    start(&b, SEND, fd);
    shutdown(fd, SHUT_WR);
    ended("send", &b);
}

CASE(shutdown_while_recvfrom) {
    struct blocked b;
    int u = udp();
    bind_to(u, own_ip, 5701);
    start(&b, RECVFROM, u);
    TRY("not connected", shutdown(u, SHUT_RD));
    ended("but recvfrom ends", &b);
}

CASE(reset_while_recv) {
    struct blocked b;
    int port, l = listener(&port), c = tell_peer("script", port, "...!"), fd = accept(l, NULL, NULL);
    start(&b, RECV, fd);
    ended("recv", &b);
    close(c);
}

CASE(two_recv_one_answer) {
    struct blocked a, b;
    int fd = dial(ECHO_PORT);
    start(&a, RECV, fd);
    start(&b, RECV, fd);
    if (write(fd, "x", 1) != 1) return;
    settle();
    say("ended", "%d", a.done + b.done);
    if (write(fd, "y", 1) != 1) return;
    ended("one", &a);
    ended("the other", &b);
}

CASE(many_accept_each_one) {
    struct blocked b[4];
    int port, l = listener(&port), c[4];
    for (int i = 0; i < 4; i++) start(&b[i], ACCEPT, l);
    for (int n = 1; n <= 4; n++) {
        c[n - 1] = tell_peer("script", port, ".");
        settle();
        int done = 0;
        for (int i = 0; i < 4; i++) done += b[i].done;
        say("ended", "%d of %d", done, n);
    }
    for (int i = 0; i < 4; i++) {
        ended("accept", &b[i]);
        close(c[i]);
    }
}

CASE(many_recvfrom_each_one) {
    struct blocked b[4];
    int u = udp();
    bind_to(u, own_ip, 5702);
    for (int i = 0; i < 4; i++) start(&b[i], RECVFROM, u);
    for (int n = 1; n <= 4; n++) {
        close(tell_peer("udp", 5702, "dgram"));
        settle();
        int done = 0;
        for (int i = 0; i < 4; i++) done += b[i].done;
        say("ended", "%d of %d", done, n);
    }
    for (int i = 0; i < 4; i++) ended("recvfrom", &b[i]);
}
