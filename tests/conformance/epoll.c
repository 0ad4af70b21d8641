/* epoll on one thread: level, edge, oneshot, at each step of a socket's life; errors; several worlds in one set. */
#include "epoll.h"

CASE(epoll_modes) {
    char buf[64];
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    TRY("level", add(ep, fd, EPOLLIN, 1));
    events("nothing", ep, 8, 0);
    echo(fd, "abcd");
    events("level", ep, 8, 0);
    events("level again", ep, 8, 0);
    TRY("read half", read(fd, buf, 2));
    events("still", ep, 8, 0);
    TRY("read rest", read(fd, buf, 2));
    events("none", ep, 8, 0);
    events("none, waiting", ep, 8, 50);

    TRY("both", mod(ep, fd, EPOLLIN | EPOLLOUT, 2));
    events("out", ep, 8, 0);
    echo(fd, "x");
    events("in and out", ep, 8, 0);
    drain(fd);
    events("out again", ep, 8, -1);

    TRY("edge", mod(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 3));
    events("edge, out", ep, 8, 0);
    events("told once", ep, 8, 0);
    echo(fd, "ef");
    events("edge, in and out", ep, 8, 1000);
    events("told once", ep, 8, 0);
    TRY("read half", read(fd, buf, 1));
    events("reading is no edge", ep, 8, 0);
    TRY("modified, told again", mod(ep, fd, EPOLLIN | EPOLLET, 4));
    events("modified", ep, 8, 0);
    events("once", ep, 8, 0);
    echo(fd, "gh");
    settle();
    events("more data", ep, 8, 0);
    drain(fd);
    echo(fd, "ij");
    drain(fd);
    events("read before the look", ep, 8, 0);

    TRY("oneshot", mod(ep, fd, EPOLLIN | EPOLLONESHOT, 5));
    echo(fd, "kl");
    events("oneshot", ep, 8, 0);
    events("disarmed", ep, 8, 0);
    echo(fd, "mn");
    settle();
    events("still disarmed", ep, 8, 0);
    TRY("armed", mod(ep, fd, EPOLLIN | EPOLLONESHOT | EPOLLET, 6));
    events("at once", ep, 8, 0);
    events("disarmed", ep, 8, 0);
    shutdown(fd, SHUT_WR);
    until(fd, 0);
    events("disarmed, no hang-up either", ep, 8, 50);
    TRY("armed for nothing", mod(ep, fd, 0, 7));
    events("hang-up all the same", ep, 8, 1000);
    drain(fd);
    close(fd);
    events("closed", ep, 8, 0);
    close(ep);
}

CASE(epoll_ends) {
    char buf[64];
    int ep = epoll_create1(0), fd = dial(HELLO);
    until(fd, POLLRDHUP);
    TRY("add", add(ep, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, 1));
    events("data and end", ep, 8, 1000);
    events("once", ep, 8, 0);
    TRY("read", read(fd, buf, sizeof buf));
    TRY("end", read(fd, buf, sizeof buf));
    events("no edge", ep, 8, 0);
    TRY("level", mod(ep, fd, EPOLLIN | EPOLLRDHUP | EPOLLOUT, 2));
    events("level at the end", ep, 8, 0);
    shutdown(fd, SHUT_WR);
    until(fd, 0);
    events("both ends", ep, 8, 1000);
    close(fd);
    events("closed", ep, 8, 0);

    fd = dial(RESET);
    TRY("add", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 3));
    events("connected", ep, 8, 0);
    until(fd, 0);
    events("reset", ep, 8, 1000);
    events("once", ep, 8, 0);
    say("error", "%s", strerrorname_np(pending_error(fd)));
    TRY("level", mod(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 4));
    events("after the error", ep, 8, 0);
    close(fd);

    /* A peer that ends, and nobody asked for IN. */
    fd = dial(HELLO);
    TRY("add, out only, edge", add(ep, fd, EPOLLOUT | EPOLLET, 5));
    until(fd, POLLRDHUP);
    drain(fd);
    events("out", ep, 8, 0);
    events("once", ep, 8, 0);
    close(fd);
    close(ep);
}

CASE(epoll_connecting) {
    int ep = epoll_create1(0), fd = tcp();
    nonblocking(fd);
    TRY("add a fresh socket", add(ep, fd, EPOLLIN | EPOLLOUT, 1));
    events("fresh", ep, 8, 0);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    events("connected", ep, 8, 2000);
    say("error", "%d", pending_error(fd));
    close(fd);

    fd = tcp();
    nonblocking(fd);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("add, edge", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET, 2));
    events("connected", ep, 8, 2000);
    events("once", ep, 8, 50);
    close(fd);

    fd = tcp();
    nonblocking(fd);
    TRY("connect", connect_to(fd, peer_ip, CLOSED));
    TRY("add", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 3));
    events("refused", ep, 8, 2000);
    say("error", "%s", strerrorname_np(pending_error(fd)));
    events("after the error", ep, 8, 0);
    close(fd);

    fd = tcp();
    nonblocking(fd);
    TRY("connect", connect_to(fd, peer_ip, CLOSED));
    TRY("add, edge, out", add(ep, fd, EPOLLOUT | EPOLLET, 4));
    until(fd, 0);
    events("refused", ep, 8, 2000);
    events("once", ep, 8, 0);
    close(fd);

    int port, l = listener(&port);
    TRY("listener", add(ep, l, EPOLLIN, 5));
    events("nobody", ep, 8, 0);
    tell_peer("connect", port, "");
    events("somebody", ep, 8, 2000);
    tell_peer("connect", port, "");
    settle();
    fd = accept(l, NULL, NULL);
    events("another", ep, 8, 0);
    close(accept(l, NULL, NULL));
    events("nobody left", ep, 8, 0);
    TRY("edge", mod(ep, l, EPOLLIN | EPOLLET, 6));
    tell_peer("connect", port, "");
    events("edge", ep, 8, 2000);
    tell_peer("connect", port, "");
    settle();
    events("another edge", ep, 8, 2000);
    events("once", ep, 8, 0);
    TRY("the accepted one", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 7));
    events("writable", ep, 8, 0);
    close(fd);
    close(l);
    events("all closed", ep, 8, 0);
    close(ep);
}

CASE(epoll_datagrams) {
    char buf[64];
    int ep = epoll_create1(0), u = udp();
    bind_to(u, own_ip, 5410);
    TRY("add", add(ep, u, EPOLLIN | EPOLLOUT, 1));
    events("writable", ep, 8, 0);
    TRY("in", mod(ep, u, EPOLLIN, 2));
    tell_peer("udp", 5410, "one");
    events("datagram", ep, 8, 2000);
    tell_peer("udp", 5410, "two");
    settle();
    TRY("read", read(u, buf, sizeof buf));
    events("another", ep, 8, 0);
    TRY("read", read(u, buf, sizeof buf));
    events("none", ep, 8, 0);
    TRY("edge", mod(ep, u, EPOLLIN | EPOLLET, 3));
    tell_peer("udp", 5410, "three");
    events("edge", ep, 8, 2000);
    tell_peer("udp", 5410, "four");
    settle();
    events("each is an edge", ep, 8, 2000);
    events("once", ep, 8, 0);
    TRY("all bits", mod(ep, u, EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | EPOLLWRBAND | EPOLLPRI, 4));
    events("bits", ep, 8, 0);
    drain(u);
    close(u);

    /* An error by ICMP. */
    u = udp();
    TRY("connect", connect_to(u, peer_ip, CLOSED));
    TRY("add", add(ep, u, EPOLLIN, 5));
    TRY("send", send(u, "x", 1, 0));
    until(u, 0);
    events("refused", ep, 8, 2000);
    TRY("recv", recv(u, buf, sizeof buf, MSG_DONTWAIT));
    events("told", ep, 8, 0);
    TRY("edge", mod(ep, u, EPOLLIN | EPOLLET, 6));
    TRY("send", send(u, "x", 1, 0));
    until(u, 0);
    events("refused, edge", ep, 8, 2000);
    events("once", ep, 8, 0);
    say("error", "%s", strerrorname_np(pending_error(u)));
    TRY("shutdown", shutdown(u, SHUT_RDWR));
    events("shut", ep, 8, 0);
    close(u);
    close(ep);
}

CASE(epoll_buffers) {
    static char big[65536];
    int ep = epoll_create1(0), fd = dial(IGNORE);
    nonblocking(fd);
    TRY("edge, out", add(ep, fd, EPOLLOUT | EPOLLET, 1));
    events("writable", ep, 8, 0);
    for (int quiet = 0; quiet < 3;) {
        if (write(fd, big, sizeof big) > 0) quiet = 0;
        else quiet++, usleep(50000);
    }
    events("full", ep, 8, 0);
    TRY("level", mod(ep, fd, EPOLLOUT, 2));
    events("full", ep, 8, 50);
    close(fd);
    fd = dial(DISCARD);
    nonblocking(fd);
    TRY("edge, out", add(ep, fd, EPOLLOUT | EPOLLET, 3));
    events("writable", ep, 8, 0);
    /* Fills and waits for room, many times. */
    long total = 0, waits = 0;
    while (total < 20000000) {
        ssize_t n = write(fd, big, sizeof big);
        if (n > 0) {
            total += n;
            continue;
        }
        struct epoll_event ev;
        if (epoll_wait(ep, &ev, 1, 5000) != 1) break;
        waits++;
    }
    say("all sent", "%d", total >= 20000000);
    close(fd);
    close(ep);
}

CASE(epoll_mixed) {
    char c;
    int ep = epoll_create1(0), p[2], e = eventfd(0, EFD_NONBLOCK), u = udp(), fd = dial(ECHO_PORT);
    if (pipe(p)) return;
    bind_to(u, own_ip, 5411);
    TRY("pipe", add(ep, p[0], EPOLLIN, 1));
    TRY("stream", add(ep, fd, EPOLLIN, 2));
    TRY("eventfd", add(ep, e, EPOLLIN | EPOLLET, 3));
    TRY("datagrams", add(ep, u, EPOLLIN, 4));
    TRY("pipe's other end", add(ep, p[1], EPOLLOUT | EPOLLONESHOT, 5));
    events("one is writable", ep, 8, 0);
    events("none", ep, 8, 30);
    eventfd_write(e, 1);
    events("eventfd", ep, 8, 1000);
    events("edge", ep, 8, 0);
    if (write(p[1], "x", 1) != 1) return;
    events("pipe", ep, 8, 1000);
    echo(fd, "x");
    int seen = 0;
    struct epoll_event ev[8];
    int n = epoll_wait(ep, ev, 8, 1000);
    for (int i = 0; i < n; i++) seen |= 1 << ev[i].data.u32;
    say("both worlds", "%d %x", n, seen);
    /* Room for one: nobody starves. */
    seen = 0;
    for (int i = 0; i < 4; i++)
        if (epoll_wait(ep, ev, 1, 1000) == 1) seen |= 1 << ev[0].data.u32;
    say("one at a time", "%x", seen);
    tell_peer("udp", 5411, "x");
    sleep_until_readable(u);
    seen = 0;
    for (int i = 0; i < 6; i++)
        if (epoll_wait(ep, ev, 1, 1000) == 1) seen |= 1 << ev[0].data.u32;
    say("three, one at a time", "%x", seen);
    drain(fd);
    drain(u);
    if (read(p[0], &c, 1) != 1) return;
    events("none", ep, 8, 30);
    TRY("pipe out", del(ep, p[0]));
    TRY("pipe out twice", del(ep, p[0]));
    TRY("change the eventfd", mod(ep, e, EPOLLIN, 6));
    events("level", ep, 8, 0);
    eventfd_t v;
    eventfd_read(e, &v);
    TRY("a file", add(ep, open("/etc/passwd", O_RDONLY), EPOLLIN, 0));
    TRY("itself", add(ep, ep, EPOLLIN, 0));
    events("still served", ep, 8, 30);
    echo(fd, "x");
    events("still served", ep, 8, 1000);
    close(ep);

    /* Ours alone, more than there is room for: all in two calls. */
    ep = epoll_create(1);
    int port, l = listener(&port);
    int s[6];
    for (int i = 0; i < 6; i++) {
        s[i] = dial(ECHO_PORT);
        add(ep, s[i], EPOLLIN, 10 + (unsigned)i);
    }
    for (int i = 0; i < 6; i++) echo(s[i], "x");
    for (int turn = 0; turn < 3; turn++) {
        seen = 0;
        for (int k = 0; k < 2; k++) {
            n = epoll_wait(ep, ev, 3, 1000);
            for (int i = 0; i < n; i++) seen |= 1 << (ev[i].data.u32 - 10);
        }
        say("six by three", "%x", seen);
    }
    for (int i = 0; i < 6; i++) drain(s[i]);
    events("none", ep, 8, 0);
    for (int i = 0; i < 6; i++) echo(s[i], "x");
    for (int i = 0; i < 3; i++) drain(s[i]);
    close(s[5]);
    n = epoll_wait(ep, ev, 8, 0);
    seen = 0;
    for (int i = 0; i < n; i++) seen |= 1 << (ev[i].data.u32 - 10);
    say("only those that are ready", "%d %x", n, seen);
    close(l);
    close(ep);
    TRY("closed set", add(ep, s[0], EPOLLIN, 0));
    TRY("closed set", epoll_wait(ep, ev, 1, 0));
}

/* A socket that is always busy does not keep a pipe of the same set waiting, nor the other way round. */
CASE(epoll_busy) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), p[2], seen = -1, answers = 0;
    char c;
    if (pipe(p)) return;
    add(ep, fd, EPOLLIN, 1);
    add(ep, p[0], EPOLLIN, 2);
    for (int i = 0; i < 500; i++) {
        if (i == 100 && write(p[1], "x", 1) != 1) return;
        if (write(fd, "x", 1) != 1) return;
        for (int answered = 0; !answered;) {
            struct epoll_event ev;
            if (epoll_wait(ep, &ev, 1, 5000) != 1) return;
            if (ev.data.u32 == 2) {
                if (seen < 0) seen = i;
                /* Once it has been seen it stays ready for a while. */
                if (i > 200 && read(p[0], &c, 1) != 1) return;
            } else {
                drain(fd);
                answered = 1;
                answers++;
            }
        }
    }
    say("pipe seen soon", "%d, answers %d", seen >= 100 && seen < 120, answers);
    close(p[0]);
    close(p[1]);
    close(fd);
    close(ep);
}

CASE(epoll_errors) {
    struct epoll_event ev = {EPOLLIN, {.u64 = 1}};
    int ep = epoll_create1(EPOLL_CLOEXEC), u = udp(), t = dial(ECHO_PORT), p[2];
    if (pipe(p)) return;
    TRY("bad size", epoll_create(0));
    TRY("bad flags", epoll_create1(1));
    say("cloexec", "%d", fcntl(ep, F_GETFD));
    TRY("change what is not there", mod(ep, u, EPOLLIN, 0));
    TRY("remove what is not there", del(ep, u));
    TRY("add", add(ep, u, EPOLLIN, 0));
    TRY("add twice", add(ep, u, EPOLLIN, 0));
    TRY("unknown operation", watch(ep, 9, u, EPOLLIN, 0));
    TRY("unknown operation", watch(ep, 0, u, EPOLLIN, 0));
    TRY("no event", epoll_ctl(ep, EPOLL_CTL_MOD, u, NULL));
    TRY("no event", epoll_ctl(ep, EPOLL_CTL_ADD, t, NULL));
    TRY("closed number", add(ep, 900, EPOLLIN, 0));
    TRY("negative", add(ep, -1, EPOLLIN, 0));
    TRY("closed set", add(901, u, EPOLLIN, 0));
    TRY("closed set, kernel's", add(901, p[0], EPOLLIN, 0));
    TRY("not a set", add(p[0], u, EPOLLIN, 0));
    TRY("not a set, ours", add(t, u, EPOLLIN, 0));
    TRY("in itself", add(u, u, EPOLLIN, 0));
    TRY("exclusive, change", mod(ep, u, EPOLLIN | EPOLLEXCLUSIVE, 0));
    TRY("exclusive, change of nothing", mod(ep, t, EPOLLIN | EPOLLEXCLUSIVE, 0));
    TRY("exclusive, rdhup", add(ep, t, EPOLLIN | EPOLLRDHUP | EPOLLEXCLUSIVE, 0));
    TRY("exclusive, oneshot", add(ep, t, EPOLLIN | EPOLLONESHOT | EPOLLEXCLUSIVE, 0));
    TRY("exclusive", add(ep, t, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLEXCLUSIVE | EPOLLWAKEUP, 3));
    TRY("exclusive, then plain", mod(ep, t, EPOLLIN, 0));
    TRY("exclusive twice", add(ep, t, EPOLLIN | EPOLLEXCLUSIVE, 0));
    events("exclusive", ep, 8, 0);
    TRY("exclusive out", del(ep, t));
    TRY("no room", epoll_wait(ep, &ev, 0, 0));
    volatile int room = -1;
    TRY("less than no room", epoll_wait(ep, &ev, room, 0));
    room = INT32_MAX;
    TRY("too much room", epoll_wait(ep, &ev, room, 0));
    TRY("closed set", epoll_wait(901, &ev, 1, 0));
    TRY("not a set", epoll_wait(p[0], &ev, 1, 0));
    TRY("not a set, ours", epoll_wait(u, &ev, 1, 0));
    struct timespec bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0}, tenth = {0, 100000000};
    TRY("pwait2, bad time", epoll_pwait2(ep, &ev, 1, &bad, NULL));
    TRY("pwait2, negative", epoll_pwait2(ep, &ev, 1, &negative, NULL));
    TRY("pwait2, at once", epoll_pwait2(ep, &ev, 1, &zero, NULL));
    long start = now_ms();
    TRY("pwait2, a tenth", epoll_pwait2(ep, &ev, 1, &tenth, NULL));
    say("waited", "%d", now_ms() - start >= 100 && now_ms() - start < 5000);
    start = now_ms();
    TRY("wait, a tenth", epoll_wait(ep, &ev, 1, 100));
    say("waited", "%d", now_ms() - start >= 100 && now_ms() - start < 5000);
    start = now_ms();
    TRY("wait, one", epoll_wait(ep, &ev, 1, 1));
    say("waited", "%d", now_ms() - start >= 1 && now_ms() - start < 5000);
    TRY("read a set", read(ep, &ev, sizeof ev));
    TRY("write a set", write(ep, &ev, sizeof ev));
    TRY("flags of a set", fcntl(ep, F_GETFL) & O_ACCMODE);
    close(ep);
    close(u);
    close(t);
}
