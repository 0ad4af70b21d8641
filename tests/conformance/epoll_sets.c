/* Epoll sets that others look at: nested, copied, polled; sockets under several numbers, in several sets, in the kernel. */
#include "epoll.h"
#include <sys/syscall.h>
#include <sys/wait.h>

CASE(epoll_sets_nested) {
    int inner = epoll_create1(0), outer = epoll_create1(0), fd = dial(ECHO_PORT), u = udp();
    TRY("add", add(inner, fd, EPOLLIN, 1));
    TRY("a oneshot", add(inner, u, EPOLLOUT | EPOLLONESHOT, 2));
    events("it fires", inner, 8, 0);
    TRY("nest", add(outer, inner, EPOLLIN, 3));
    TRY("nest twice", add(outer, inner, EPOLLIN, 3));
    TRY("in a circle", add(inner, outer, EPOLLIN, 3));
    events("nothing", outer, 8, 50);
    echo(fd, "x");
    events("outer", outer, 8, 1000);
    events("outer, level", outer, 8, 0);
    events("inner", inner, 8, 0);
    drain(fd);
    events("outer, none", outer, 8, 50);
    TRY("a oneshot stays disarmed, added", add(inner, u, EPOLLOUT | EPOLLONESHOT, 2));
    TRY("armed again", mod(inner, u, EPOLLOUT | EPOLLONESHOT, 4));
    events("outer", outer, 8, 1000);
    events("inner", inner, 8, 0);
    events("disarmed", inner, 8, 0);
    TRY("out", del(inner, u));
    TRY("out twice", del(inner, u));
    TRY("changed", mod(inner, fd, EPOLLIN | EPOLLET, 5));
    TRY("outer, edge", mod(outer, inner, EPOLLIN | EPOLLET, 6));
    echo(fd, "x");
    events("outer", outer, 8, 1000);
    events("outer, once", outer, 8, 0);
    events("inner", inner, 8, 0);
    events("inner, once", inner, 8, 0);
    TRY("a socket in the outer", add(outer, u, EPOLLOUT, 7));
    events("outer", outer, 8, 1000);
    TRY("one more in the inner", add(inner, u, EPOLLOUT, 8));
    events("inner", inner, 8, 1000);
    close(inner);
    events("inner closed", outer, 8, 0);
    close(u);
    events("all closed", outer, 8, 0);
    close(outer);

    /* Nested before it has a socket. */
    inner = epoll_create1(0);
    outer = epoll_create1(0);
    add(outer, inner, EPOLLIN, 1);
    TRY("the first socket", add(inner, fd, EPOLLOUT, 2));
    events("outer", outer, 8, 1000);
    events("inner", inner, 8, 1000);
    close(outer);
    close(inner);
    close(fd);
}

CASE(epoll_sets_copies) {
    int ep = epoll_create1(0), early = dup(ep), fd = dial(ECHO_PORT);
    TRY("add", add(ep, fd, EPOLLIN, 1));
    TRY("add by the copy", add(early, fd, EPOLLIN, 1));
    int late = fcntl(ep, F_DUPFD_CLOEXEC, 0);
    TRY("add by another", add(late, fd, EPOLLIN, 1));
    echo(fd, "x");
    events("the set", ep, 8, 1000);
    events("its copy", early, 8, 1000);
    events("its other copy", late, 8, 1000);
    TRY("changed by a copy", mod(late, fd, EPOLLIN | EPOLLET, 2));
    events("once", ep, 8, 0);
    events("in all", early, 8, 0);
    close(ep);
    drain(fd);
    TRY("closed", add(ep, fd, EPOLLIN, 1));
    echo(fd, "x");
    events("the copy lives", early, 8, 1000);
    drain(fd);
    TRY("copied onto", dup2(early, 200));
    close(early);
    close(late);
    echo(fd, "x");
    events("the last one", 200, 8, 1000);
    drain(fd);
    int null = open("/dev/null", O_RDONLY);
    TRY("replaced", dup2(null, 200));
    struct epoll_event ev;
    TRY("no set any more", epoll_wait(200, &ev, 1, 0));
    TRY("no set any more", add(200, fd, EPOLLIN, 1));
    close(200);
    close(null);

    ep = epoll_create1(0);
    TRY("dup3 of itself", dup3(ep, ep, 0));
    TRY("dup2 of itself", dup2(ep, ep) == ep);
    TRY("add", add(ep, fd, EPOLLIN, 1));
    TRY("dup3", dup3(ep, 201, O_CLOEXEC));
    say("flags", "%d %d", fcntl(ep, F_GETFD), fcntl(201, F_GETFD));
    echo(fd, "x");
    events("dup3", 201, 8, 1000);
    TRY("a range", close_range((unsigned)ep, 300, 0));
    TRY("closed", epoll_wait(ep, &ev, 1, 0));
    TRY("closed", epoll_wait(201, &ev, 1, 0));
}

CASE(epoll_sets_polled) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), u = udp();
    add(ep, fd, EPOLLIN, 1);
    add(ep, u, EPOLLOUT | EPOLLONESHOT, 2);
    events("oneshot", ep, 8, 0);
    ready("nothing", ep);
    echo(fd, "x");
    ready("data", ep);
    struct pollfd p[2] = {{ep, POLLIN, 0}, {fd, POLLIN, 0}};
    TRY("both", poll(p, 2, 1000));
    fd_set r;
    FD_ZERO(&r);
    FD_SET(ep, &r);
    TRY("select", select(ep + 1, &r, NULL, NULL, NULL));
    events("the set", ep, 8, 0);
    drain(fd);
    ready("drained", ep);
    events("drained", ep, 8, 0);
    TRY("armed", mod(ep, u, EPOLLOUT | EPOLLONESHOT, 3));
    ready("armed", ep);
    events("armed", ep, 8, 0);
    ready("fired", ep);
    tell_peer("later", 1, "");
    TRY("another", add(ep, dial(LATE), EPOLLIN, 4));
    p[0].revents = 0;
    TRY("waits", poll(p, 1, 3000));
    events("late", ep, 8, 0);
    close(ep);
    close(u);
    close(fd);
}

CASE(epoll_sets_numbers) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), copy = dup(fd);
    TRY("add", add(ep, fd, EPOLLIN, 1));
    TRY("add the copy", add(ep, copy, EPOLLIN, 2));
    echo(fd, "x");
    events("two registrations", ep, 8, 0);
    close(copy);
    events("the copy is closed, its registration lives", ep, 8, 0);
    TRY("but cannot be reached", del(ep, copy));
    TRY("a new copy with the same number", dup(fd) == copy);
    TRY("reaches it", mod(ep, copy, EPOLLIN, 3));
    events("changed", ep, 8, 0);
    TRY("so it goes", del(ep, copy));
    events("one is left", ep, 8, 0);
    close(fd);
    events("the file lives", ep, 8, 0);
    close(copy);
    events("the last one is closed", ep, 8, 0);

    int old = dial(ECHO_PORT);
    add(ep, old, EPOLLIN | EPOLLOUT, 4);
    close(old);
    fd = dial(ECHO_PORT);
    say("the same number", "%d", fd == old);
    events("is not in the set", ep, 8, 0);
    TRY("nor known", mod(ep, fd, EPOLLIN, 5));
    TRY("enters", add(ep, fd, EPOLLOUT, 6));
    events("the new one", ep, 8, 0);
    int other = dial(ECHO_PORT);
    add(ep, other, EPOLLOUT, 7);
    TRY("replaced by another", dup2(other, fd) == fd);
    events("only the other", ep, 8, 0);
    TRY("the other under that number", add(ep, fd, EPOLLOUT, 8));
    events("twice", ep, 8, 0);
    close(fd);
    close(other);
    events("none", ep, 8, 0);

    /* Two sets, one of them polled. */
    int two = epoll_create1(0);
    fd = dial(ECHO_PORT);
    add(ep, fd, EPOLLIN, 1);
    add(two, fd, EPOLLIN | EPOLLET, 2);
    ready("polled", ep);
    echo(fd, "x");
    events("one", ep, 8, 1000);
    events("two", two, 8, 1000);
    events("two, once", two, 8, 0);
    TRY("out of one", del(ep, fd));
    echo(fd, "x");
    settle();
    events("one", ep, 8, 0);
    events("two", two, 8, 1000);
    close(two);
    TRY("into one", add(ep, fd, EPOLLIN, 3));
    events("one", ep, 8, 0);
    close(fd);
    close(ep);
}

CASE(epoll_sets_elsewhere) {
    struct in_addr loopback = {htonl(INADDR_LOOPBACK)};
    int ep = epoll_create1(0), l = tcp(), one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("add a fresh one", add(ep, l, EPOLLIN | EPOLLONESHOT, 1));
    TRY("bind", bind_to(l, loopback, 5420));
    TRY("listen", listen(l, 8));
    TRY("armed", mod(ep, l, EPOLLIN, 1));
    int fd = tcp();
    nonblocking(fd);
    TRY("add", add(ep, fd, EPOLLOUT | EPOLLIN, 2));
    int c = connect_to(fd, loopback, 5420);
    say("connect", "%d", c == 0 || errno == EINPROGRESS);
    until(l, POLLIN);
    struct epoll_event ev[4];
    int seen = 0, n = epoll_wait(ep, ev, 4, 1000);
    for (int i = 0; i < n; i++) seen |= 1 << ev[i].data.u32;
    say("both", "%x", seen);
    int s = accept(l, NULL, NULL), u = udp(), mine = dial(ECHO_PORT);
    add(ep, u, EPOLLIN, 3);
    TRY("connect", connect_to(u, loopback, 5421));
    TRY("in", mod(ep, fd, EPOLLIN, 2));
    TRY("of the other world", add(ep, mine, EPOLLIN, 4));
    events("nothing", ep, 4, 50);
    if (write(s, "x", 1) != 1) return;
    events("loopback", ep, 4, 1000);
    echo(mine, "x");
    seen = 0;
    n = epoll_wait(ep, ev, 4, 1000);
    for (int i = 0; i < n; i++) seen |= 1 << ev[i].data.u32;
    say("both worlds", "%x", seen);
    close(fd);
    close(s);
    close(u);
    close(l);
    events("ours is left", ep, 4, 1000);
    close(mine);
    events("none", ep, 4, 0);
    close(ep);
}

CASE(epoll_sets_raw) {
    struct epoll_event ev[4];
    struct timespec t = {0, 20000000};
    uint64_t mask = 0;
    int ep = (int)syscall(SYS_epoll_create1, EPOLL_CLOEXEC), fd = dial(ECHO_PORT);
    ev[0] = (struct epoll_event){EPOLLIN, {.u32 = 1}};
    TRY("epoll_ctl", syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, ev));
    TRY("nothing", syscall(SYS_epoll_pwait, ep, ev, 4, 20, NULL, 8));
    TRY("nothing", syscall(SYS_epoll_pwait2, ep, ev, 4, &t, &mask, 8));
    TRY("size of the mask", syscall(SYS_epoll_pwait, ep, ev, 4, 20, &mask, 4));
    echo(fd, "x");
    TRY("epoll_pwait", syscall(SYS_epoll_pwait, ep, ev, 4, -1, &mask, 8));
    TRY("epoll_pwait2", syscall(SYS_epoll_pwait2, ep, ev, 4, NULL, NULL, 0));
#ifdef SYS_epoll_wait
    TRY("epoll_wait", syscall(SYS_epoll_wait, ep, ev, 4, -1));
#else
    printf("epoll_wait: ok 1\n");
#endif
    TRY("close", syscall(SYS_close, ep));
    TRY("closed", syscall(SYS_epoll_pwait, ep, ev, 4, 0, NULL, 8));
    close(fd);
}

/* A child that comes and goes changes nothing for the parent. */
CASE(epoll_sets_forked) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), status = 0;
    add(ep, fd, EPOLLIN | EPOLLET, 1);
    pid_t child = fork();
    if (child == 0) {
        int own = epoll_create1(0), p[2];
        struct epoll_event ev;
        if (pipe(p) || add(own, p[0], EPOLLIN, 1) || write(p[1], "x", 1) != 1) _exit(1);
        _exit(epoll_wait(own, &ev, 1, 1000) == 1 ? 42 : 2);
    }
    waitpid(child, &status, 0);
    say("child", "%d", WEXITSTATUS(status));
    echo(fd, "x");
    events("parent", ep, 8, 1000);
    events("once", ep, 8, 0);
    close(fd);
    events("closed", ep, 8, 0);
    close(ep);
}

/* Sets come and go; a set's number is another file's afterwards. */
CASE(epoll_sets_reuse) {
    int fd = dial(ECHO_PORT), first = -1, same = 1;
    for (int i = 0; i < 200; i++) {
        int ep = epoll_create1(0);
        if (first < 0) first = ep;
        same &= ep == first;
        struct epoll_event ev;
        if (add(ep, fd, EPOLLOUT, 1) || epoll_wait(ep, &ev, 1, 0) != 1) printf("turn %d\n", i);
        close(ep);
    }
    say("the same number each time", "%d", same);
    int ep = epoll_create1(0), e = eventfd(0, 0), turns = 0;
    for (int i = 0; i < 200; i++) turns += add(ep, fd, EPOLLOUT, 1) == 0 && del(ep, fd) == 0;
    say("in and out", "%d", turns);
    events("none", ep, 8, 0);
    close(ep);
    TRY("another file with its number", dup2(e, first) == first);
    TRY("is no set", add(first, fd, EPOLLIN, 1));
    close(fd);
}
