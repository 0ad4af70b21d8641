/* poll, select and epoll on the same sockets: level, edge, oneshot, at each step. */
#include "epoll.h"

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

static void all(const char *what, int fd) {
    ready(what, fd);
    chosen(what, fd);
}

CASE(ready_level) {
    char buf[64];
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    all("connected", fd);
    TRY("add", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1));
    TRY("add twice", add(ep, fd, EPOLLIN, 1));
    events("connected", ep, 8, 2000);
    TRY("only in", mod(ep, fd, EPOLLIN | EPOLLRDHUP, 2));
    events("nothing to read", ep, 8, 50);
    TRY("echo", write(fd, "abcdef", 6));
    events("level", ep, 8, 5000);
    all("data", fd);
    TRY("read some", read(fd, buf, 2));
    events("level, some left", ep, 8, 2000);
    TRY("read the rest", read(fd, buf, sizeof buf));
    events("level, none left", ep, 8, 50);
    all("drained", fd);
}

CASE(ready_edge) {
    char buf[64];
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    TRY("edge", add(ep, fd, EPOLLIN | EPOLLET, 3));
    events("edge, nothing", ep, 8, 50);
    TRY("echo", write(fd, "gh", 2));
    events("edge", ep, 8, 5000);
    events("edge is told once", ep, 8, 50);
    TRY("echo more", write(fd, "ij", 2));
    events("new data, new edge", ep, 8, 5000);
    TRY("read all", read(fd, buf, sizeof buf));
    events("no edge", ep, 8, 50);
}

CASE(ready_oneshot) {
    char buf[64];
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    TRY("oneshot", add(ep, fd, EPOLLIN | EPOLLONESHOT, 4));
    TRY("echo", write(fd, "kl", 2));
    events("oneshot", ep, 8, 5000);
    events("is over", ep, 8, 50);
    TRY("armed again", mod(ep, fd, EPOLLIN | EPOLLONESHOT, 5));
    events("at once, data waits", ep, 8, 2000);
    TRY("read", read(fd, buf, sizeof buf));
    TRY("remove", del(ep, fd));
    TRY("remove twice", del(ep, fd));
    TRY("change what is not there", mod(ep, fd, EPOLLIN, 0));
    events("empty set", ep, 8, 0);
}

CASE(ready_end) {
    char buf[64];
    int fd = dial(HELLO), ep = epoll_create1(0);
    TRY("add", add(ep, fd, EPOLLIN | EPOLLRDHUP, 6));
    until(fd, POLLRDHUP);
    events("hello and end", ep, 8, 2000);
    TRY("read", read(fd, buf, sizeof buf));
    events("end", ep, 8, 2000);
    all("end", fd);
    TRY("close takes it out", close(fd));
    events("gone", ep, 8, 0);
}

CASE(ready_reset) {
    int fd = dial(RESET), ep = epoll_create1(0);
    TRY("add", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 7));
    until(fd, 0);
    events("reset", ep, 8, 2000);
    all("reset", fd);
}

CASE(ready_connecting) {
    int fd = tcp(), ep = epoll_create1(0);
    nonblocking(fd);
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("add while connecting", add(ep, fd, EPOLLOUT | EPOLLET, 8));
    events("connected, edge", ep, 8, 5000);
    close(fd);
    fd = tcp();
    nonblocking(fd);
    connect_to(fd, peer_ip, CLOSED);
    TRY("add, will be refused", add(ep, fd, EPOLLIN | EPOLLOUT, 9));
    until(fd, 0);
    events("refused", ep, 8, 2000);
    chosen("refused", fd);
}

CASE(ready_full) {
    int fd = dial(IGNORE), ep = epoll_create1(0);
    nonblocking(fd);
    static char big[65536];
    TRY("add, out only", add(ep, fd, EPOLLOUT, 10));
    long total = 0, n;
    for (int quiet = 0; quiet < 3;) {
        n = write(fd, big, sizeof big);
        if (n > 0) total += n, quiet = 0;
        else quiet++, usleep(50000);
    }
    say("full", "%s, took bytes %d", strerrorname_np(errno), total > 0);
    all("full", fd);
    events("full", ep, 8, 50);
}

/* A listener, a pipe and a datagram socket in one set. */
CASE(ready_three_kinds) {
    char buf[64];
    int ep = epoll_create1(0), port, l = listener(&port), u = udp(), p[2];
    bind_to(u, own_ip, 5400);
    if (pipe(p)) return;
    add(ep, l, EPOLLIN, 11);
    add(ep, u, EPOLLIN, 12);
    add(ep, p[0], EPOLLIN, 13);
    events("three, nothing", ep, 8, 50);
    if (write(p[1], "x", 1) != 1) return;
    events("the pipe", ep, 8, 2000);
    tell_peer("udp", 5400, "dgram");
    sleep_until_readable(u);
    events("pipe and datagram", ep, 8, 2000);
    TRY("read", read(u, buf, sizeof buf));
    TRY("read", read(p[0], buf, 1));
    tell_peer("connect", port, "");
    sleep_until_readable(l);
    events("listener", ep, 8, 2000);
    OK("accept", accept(l, NULL, NULL));
    events("accepted", ep, 8, 50);
}

CASE(ready_poll_mixed) {
    char buf[64];
    int port, l = listener(&port), u = udp(), p[2];
    bind_to(u, own_ip, 5400);
    if (pipe(p)) return;
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
    say("waited", "%d", now_ms() - t >= 145);
}

CASE(ready_select_times) {
    int u = udp();
    bind_to(u, own_ip, 5400);
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
    tv = (struct timeval){50, 0};
    TRY("select, wakes", select(u + 1, &r, NULL, NULL, &tv));
    say("time is left", "%d", tv.tv_sec >= 20 && tv.tv_sec < 50);
    TRY("select, negative count", select(-1, NULL, NULL, NULL, &tv));
}

CASE(ready_set_in_a_set) {
    int ep = epoll_create1(0), u = udp(), port, l = listener(&port), p[2];
    bind_to(u, own_ip, 5400);
    if (pipe(p)) return;
    add(ep, u, EPOLLIN, 12);
    add(ep, p[0], EPOLLIN, 13);
    if (write(p[1], "x", 1) != 1) return;
    int nested = epoll_create1(0);
    TRY("a set in a set", add(nested, ep, EPOLLIN, 20));
    events("nested", nested, 8, 2000);
    TRY("epoll of a file", add(ep, open("/etc/passwd", O_RDONLY), EPOLLIN, 0));
    TRY("not a set", add(u, l, EPOLLIN, 0));
    TRY("bad operation", watch(ep, 9, u, EPOLLIN, 0));
}
