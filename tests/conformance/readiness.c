/* poll, select and epoll on the same sockets: level, edge, oneshot, at each step. */
#include "case.h"

static void chosen(const char *what, int fd) {
    fd_set r, w, e;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&e);
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    FD_SET(fd, &e);
    struct timeval tv = {0, 0};
    int n = select(fd + 1, &r, &w, &e, &tv);
    say(what, "select %d r%d w%d e%d", n, !!FD_ISSET(fd, &r), !!FD_ISSET(fd, &w), !!FD_ISSET(fd, &e));
}

static void events(const char *what, int ep, int ms) {
    struct epoll_event ev[8];
    int n = epoll_wait(ep, ev, 8, ms);
    printf("%s: epoll %d", what, n);
    for (int i = 0; i < n; i++) printf(" %u:%s", (unsigned)ev[i].data.u32, bits((int)ev[i].events));
    putchar('\n');
}

static int watch(int ep, int op, int fd, unsigned what, unsigned tag) {
    struct epoll_event ev = {what, {.u32 = tag}};
    return epoll_ctl(ep, op, fd, &ev);
}

static void all(const char *what, int fd) {
    ready(what, fd);
    chosen(what, fd);
}

CASE(readiness) {
    char buf[64];
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    all("connected", fd);
    TRY("add", watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1));
    TRY("add twice", watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 1));
    events("connected", ep, 100);
    TRY("only in", watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLRDHUP, 2));
    events("nothing to read", ep, 50);
    TRY("echo", write(fd, "abcdef", 6));
    events("level", ep, 2000);
    all("data", fd);
    TRY("read some", read(fd, buf, 2));
    events("level, some left", ep, 100);
    TRY("read the rest", read(fd, buf, sizeof buf));
    events("level, none left", ep, 50);
    all("drained", fd);

    TRY("edge", watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLET, 3));
    events("edge, nothing", ep, 50);
    TRY("echo", write(fd, "gh", 2));
    events("edge", ep, 2000);
    events("edge is told once", ep, 50);
    TRY("echo more", write(fd, "ij", 2));
    events("new data, new edge", ep, 2000);
    TRY("read all", read(fd, buf, sizeof buf));
    events("no edge", ep, 50);

    TRY("oneshot", watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 4));
    TRY("echo", write(fd, "kl", 2));
    events("oneshot", ep, 2000);
    events("is over", ep, 50);
    TRY("armed again", watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, 5));
    events("at once, data waits", ep, 2000);
    TRY("read", read(fd, buf, sizeof buf));
    TRY("remove", watch(ep, EPOLL_CTL_DEL, fd, 0, 0));
    TRY("remove twice", watch(ep, EPOLL_CTL_DEL, fd, 0, 0));
    TRY("change what is not there", watch(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0));
    events("empty set", ep, 0);
    close(fd);

    /* A peer that finishes. */
    fd = dial(HELLO);
    TRY("add", watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, 6));
    settle();
    events("hello and end", ep, 2000);
    TRY("read", read(fd, buf, sizeof buf));
    events("end", ep, 100);
    all("end", fd);
    TRY("close takes it out", close(fd));
    events("gone", ep, 0);

    fd = dial(RESET);
    TRY("add", watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 7));
    settle();
    events("reset", ep, 2000);
    all("reset", fd);
    close(fd);

    /* Connecting. */
    fd = tcp();
    nonblocking(fd);
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("add while connecting", watch(ep, EPOLL_CTL_ADD, fd, EPOLLOUT | EPOLLET, 8));
    events("connected, edge", ep, 2000);
    close(fd);
    fd = tcp();
    nonblocking(fd);
    connect_to(fd, peer_ip, CLOSED);
    TRY("add, will be refused", watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLOUT, 9));
    settle();
    events("refused", ep, 2000);
    chosen("refused", fd);
    close(fd);

    /* A full send buffer. */
    fd = dial(IGNORE);
    nonblocking(fd);
    static char big[65536];
    TRY("add, out only", watch(ep, EPOLL_CTL_ADD, fd, EPOLLOUT, 10));
    long total = 0, n;
    for (int quiet = 0; quiet < 3;) {
        n = write(fd, big, sizeof big);
        if (n > 0) total += n, quiet = 0;
        else quiet++, usleep(50000);
    }
    say("full", "%s, took bytes %d", strerrorname_np(errno), total > 0);
    all("full", fd);
    events("full", ep, 50);
    close(fd);

    /* A listener, a pipe and a datagram socket in one set. */
    int port, l = listener(&port), u = udp(), p[2];
    bind_to(u, own_ip, 5400);
    if (pipe(p)) return;
    watch(ep, EPOLL_CTL_ADD, l, EPOLLIN, 11);
    watch(ep, EPOLL_CTL_ADD, u, EPOLLIN, 12);
    watch(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 13);
    events("three, nothing", ep, 50);
    if (write(p[1], "x", 1) != 1) return;
    events("the pipe", ep, 1000);
    tell_peer("udp", 5400, "dgram");
    settle();
    events("pipe and datagram", ep, 1000);
    TRY("read", read(u, buf, sizeof buf));
    TRY("read", read(p[0], buf, 1));
    tell_peer("connect", port, "");
    settle();
    events("listener", ep, 1000);
    int s = accept(l, NULL, NULL);
    events("accepted", ep, 50);
    close(s);

    struct pollfd many[5] = {{l, POLLIN, 0}, {p[0], POLLIN, 0}, {-1, POLLIN, 0}, {u, POLLOUT, 0}, {u, POLLIN, 0}};
    TRY("poll, mixed", poll(many, 5, 0));
    say("mixed", "%s, %s, %s, %s, %s", bits(many[0].revents), bits(many[1].revents), bits(many[2].revents),
        bits(many[3].revents), bits(many[4].revents));
    if (write(p[1], "x", 1) != 1) return;
    TRY("poll, both worlds ready", poll(many, 5, 0));
    many[3].fd = 900;
    TRY("poll, a closed one", poll(many, 5, -1));
    say("closed", "%s", bits(many[3].revents));
    struct pollfd one = {u, 0, 0};
    TRY("poll, no events wanted", poll(&one, 1, 50));
    one.events = POLLWRBAND | POLLWRNORM | POLLRDNORM;
    TRY("poll, bands", poll(&one, 1, 0));
    say("bands", "%s", bits(one.revents));
    if (read(p[0], buf, 1) != 1) return;
    many[3].fd = -1;
    long t = now_ms();
    TRY("poll, time is over", poll(many, 5, 150));
    say("waited", "%d", now_ms() - t >= 145 && now_ms() - t < 400);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(u, &r);
    FD_SET(60, &r);
    struct timeval tv = {1, 0};
    TRY("select, a closed one", select(61, &r, NULL, NULL, &tv));
    say("the set is untouched", "%d %d", !!FD_ISSET(u, &r), !!FD_ISSET(60, &r));
    FD_CLR(60, &r);
    tv = (struct timeval){0, 150000};
    TRY("select, time is over", select(u + 1, &r, NULL, NULL, &tv));
    say("the set is empty", "%d, time left %ld", !!FD_ISSET(u, &r), (long)(tv.tv_sec * 1000000 + tv.tv_usec));
    FD_SET(u, &r);
    tell_peer("udp", 5400, "dgram");
    tv = (struct timeval){5, 0};
    TRY("select, wakes", select(u + 1, &r, NULL, NULL, &tv));
    say("time is left", "%d", tv.tv_sec == 4);
    TRY("select, negative count", select(-1, NULL, NULL, NULL, &tv));
    int nested = epoll_create1(0);
    TRY("a set in a set", watch(nested, EPOLL_CTL_ADD, ep, EPOLLIN, 20));
    events("nested", nested, 1000);
    TRY("epoll of a file", watch(ep, EPOLL_CTL_ADD, open("/etc/passwd", O_RDONLY), EPOLLIN, 0));
    TRY("not a set", watch(u, EPOLL_CTL_ADD, l, EPOLLIN, 0));
    TRY("bad operation", watch(ep, 9, u, EPOLLIN, 0));
}
