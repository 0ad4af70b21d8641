/* Corners of epoll: fresh and unconnected sockets, duplicates and closed originals, oneshots with data waiting, orders of
 * shutdown, sets in sets and in poll, rotation, bits. */
#include "epoll.h"
#include <sys/resource.h>

CASE(epoll_fresh_stream) {
    int ep = epoll_create1(0), fd = tcp();
    TRY("add", add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI, 1));
    events("fresh", ep, 4, 50);
    events("level", ep, 4, 50);
    TRY("edge", mod(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET, 2));
    events("edge", ep, 4, 50);
    events("edge again", ep, 4, 50);
    bind_to(fd, own_ip, 0);
    events("bound", ep, 4, 50);
    listen(fd, 4);
    events("listening", ep, 4, 50);
    TRY("level", mod(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 3));
    events("listening", ep, 4, 50);
}

CASE(epoll_fresh_then_connected) {
    int ep = epoll_create1(0), fd = tcp();
    add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1);
    events("fresh", ep, 4, 50);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    events("connected", ep, 4, 50);
    echo(fd, "abc");
    events("data", ep, 4, 50);
}

CASE(epoll_fresh_datagram) {
    int ep = epoll_create1(0), fd = udp();
    add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI, 1);
    events("fresh", ep, 4, 50);
    TRY("every bit", mod(ep, fd, 0x7ff, 2));
    events("every bit", ep, 4, 50);
    TRY("nothing but ERR and HUP", mod(ep, fd, 0, 3));
    events("nothing", ep, 4, 50);
}

CASE(epoll_every_bit_of_a_stream) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    add(ep, fd, 0x7ff | EPOLLRDHUP, 1);
    events("connected", ep, 4, 50);
    echo(fd, "abc");
    events("data", ep, 4, 50);
    TRY("band bits alone", mod(ep, fd, EPOLLRDBAND | EPOLLWRBAND | EPOLLMSG, 2));
    events("band bits alone", ep, 4, 50);
    TRY("RDNORM alone", mod(ep, fd, EPOLLRDNORM, 3));
    events("RDNORM alone", ep, 4, 50);
    TRY("WRNORM alone", mod(ep, fd, EPOLLWRNORM, 4));
    events("WRNORM alone", ep, 4, 50);
}

CASE(epoll_refused) {
    int ep = epoll_create1(0), fd = tcp();
    nonblocking(fd);
    add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1);
    events("fresh", ep, 4, 50);
    TRY("connect", connect_to(fd, peer_ip, CLOSED));
    settle();
    events("refused", ep, 4, 1000);
    events("once", ep, 4, 50);
    say("error", "%s", strerrorname_np(pending_error(fd)));
    TRY("level", mod(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 2));
    events("error taken", ep, 4, 50);
    TRY("again", connect_to(fd, peer_ip, ECHO_PORT));
    settle();
    events("connected", ep, 4, 1000);
}

CASE(epoll_dup_outlives_the_original) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), two = dup(fd);
    TRY("add", add(ep, fd, EPOLLIN, 1));
    close(fd);
    if (write(two, "x", 1) != 1) return;
    until(two, POLLIN);
    events("the closed number still reports", ep, 4, 1000);
    TRY("and cannot be removed by it", del(ep, fd));
    TRY("nor by the other", del(ep, two));
    TRY("the other is not registered", mod(ep, two, EPOLLIN, 2));
    drain(two);
    events("drained", ep, 4, 50);
    int again = dial(ECHO_PORT);
    say("same number", "%d", again == fd);
    TRY("add the new one", add(ep, again, EPOLLIN, 3));
    if (write(two, "x", 1) != 1) return;
    until(two, POLLIN);
    events("the old one", ep, 4, 1000);
    echo(again, "y");
    events("both", ep, 4, 1000);
    close(two);
    events("the new one", ep, 4, 50);
}

CASE(epoll_dup_added_twice) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), two = dup(fd);
    TRY("add", add(ep, fd, EPOLLIN, 1));
    TRY("add the dup", add(ep, two, EPOLLIN | EPOLLET, 2));
    echo(fd, "x");
    events("both", ep, 4, 1000);
    events("level alone", ep, 4, 50);
    TRY("remove the first", del(ep, fd));
    echo(fd, "x");
    events("the dup", ep, 4, 1000);
    close(fd);
    echo(two, "x");
    events("the dup", ep, 4, 1000);
}

CASE(epoll_number_replaced) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), other = dial(ECHO_PORT), p[2];
    if (pipe(p)) return;
    add(ep, fd, EPOLLIN, 1);
    OK("dup2 of another socket", dup2(other, fd));
    echo(other, "x");
    events("not registered", ep, 4, 50);
    TRY("add", add(ep, fd, EPOLLIN, 2));
    events("registered", ep, 4, 50);
    OK("dup2 of a pipe", dup2(p[0], fd));
    events("the socket lives on by its other number", ep, 4, 50);
    TRY("add the pipe", add(ep, fd, EPOLLIN, 3));
    if (write(p[1], "x", 1) != 1) return;
    struct epoll_event ev[4];
    TRY("both under one number", epoll_wait(ep, ev, 4, 50));
}

CASE(epoll_oneshot_with_data_waiting) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    add(ep, fd, EPOLLIN | EPOLLONESHOT, 1);
    echo(fd, "abc");
    events("fired", ep, 4, 1000);
    echo(fd, "def");
    events("disarmed", ep, 4, 50);
    TRY("arm", mod(ep, fd, EPOLLIN | EPOLLONESHOT, 2));
    events("at once", ep, 4, 50);
    TRY("arm with an edge", mod(ep, fd, EPOLLIN | EPOLLONESHOT | EPOLLET, 3));
    events("at once", ep, 4, 50);
    events("disarmed", ep, 4, 50);
    drain(fd);
    TRY("arm, empty", mod(ep, fd, EPOLLIN | EPOLLONESHOT, 4));
    events("nothing", ep, 4, 50);
    echo(fd, "x");
    events("fired", ep, 4, 1000);
    close(fd);
    events("closed", ep, 4, 50);
}

CASE(epoll_oneshot_and_hang_up) {
    int ep = epoll_create1(0), fd = dial(RESET);
    add(ep, fd, EPOLLIN | EPOLLONESHOT, 1);
    settle();
    events("reset", ep, 4, 1000);
    events("disarmed, even for ERR", ep, 4, 50);
    TRY("arm for nothing", mod(ep, fd, EPOLLONESHOT, 2));
    events("ERR and HUP count", ep, 4, 50);
}

CASE(epoll_edge_partial_reads) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    char buf[4];
    add(ep, fd, EPOLLIN | EPOLLET, 1);
    echo(fd, "abcdef");
    settle();
    events("first", ep, 4, 1000);
    TRY("read a part", read(fd, buf, 2));
    events("no edge for what is left", ep, 4, 50);
    TRY("send", send(fd, "gh", 2, 0));
    events("an edge for new data", ep, 4, 1000);
    TRY("read a part", read(fd, buf, 2));
    TRY("modify", mod(ep, fd, EPOLLIN | EPOLLET, 2));
    events("asked anew", ep, 4, 50);
    events("once", ep, 4, 50);
    drain(fd);
    TRY("peeking is no edge", recv(fd, buf, 1, MSG_PEEK | MSG_DONTWAIT));
    events("nothing", ep, 4, 50);
}

CASE(epoll_edge_in_and_out) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLET, 1);
    events("writable", ep, 4, 50);
    events("once", ep, 4, 50);
    echo(fd, "x");
    settle();
    events("data, with OUT", ep, 4, 1000);
    drain(fd);
    events("drained", ep, 4, 50);
    shutdown(fd, SHUT_WR);
    settle();
    events("both ends shut", ep, 4, 1000);
    events("once", ep, 4, 50);
}

CASE(epoll_shutdown_orders) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 1);
    shutdown(fd, SHUT_RD);
    events("SHUT_RD", ep, 4, 50);
    shutdown(fd, SHUT_WR);
    settle();
    events("then SHUT_WR", ep, 4, 50);
    close(fd);
    fd = dial(COUNT);
    add(ep, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, 2);
    shutdown(fd, SHUT_WR);
    events("SHUT_WR, peer still open", ep, 4, 10);
    until(fd, POLLHUP);
    events("peer closed", ep, 4, 50);
    close(fd);
    fd = dial(HELLO);
    add(ep, fd, EPOLLRDHUP, 3);
    until(fd, POLLRDHUP);
    events("only RDHUP", ep, 4, 50);
    TRY("edge", mod(ep, fd, EPOLLRDHUP | EPOLLET, 4));
    events("edge", ep, 4, 50);
    shutdown(fd, SHUT_WR);
    settle();
    events("HUP is an edge for everybody", ep, 4, 50);
}

CASE(epoll_rdhup_edge_after_data) {
    int ep = epoll_create1(0), port, l = listener(&port);
    int c = tell_peer("script", port, "abc..$");
    int fd = accept(l, NULL, NULL);
    add(ep, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, 1);
    events("data", ep, 4, 1000);
    events("the end is an edge", ep, 4, 1000);
    drain(fd);
    events("read", ep, 4, 50);
    close(c);
}

CASE(epoll_loops) {
    int a = epoll_create1(0), b = epoll_create1(0), c = epoll_create1(0), fd = dial(ECHO_PORT);
    add(a, fd, EPOLLIN, 1);
    TRY("a in itself", add(a, a, EPOLLIN, 2));
    TRY("a in b", add(b, a, EPOLLIN, 3));
    TRY("b in c", add(c, b, EPOLLIN, 4));
    TRY("c in a", add(a, c, EPOLLIN, 5));
    TRY("b in a", add(a, b, EPOLLIN, 6));
    TRY("exclusive for a set", add(c, a, EPOLLIN | EPOLLEXCLUSIVE, 7));
    echo(fd, "x");
    events("c", c, 4, 1000);
    events("b", b, 4, 0);
    events("a", a, 4, 0);
    drain(fd);
    events("c, drained", c, 4, 50);
}

CASE(epoll_depth) {
    int set[8], fd = dial(ECHO_PORT);
    for (int i = 0; i < 8; i++) set[i] = epoll_create1(0);
    add(set[0], fd, EPOLLIN, 1);
    for (int i = 1; i < 8; i++) TRY("one deeper", add(set[i], set[i - 1], EPOLLIN, (unsigned)i));
    echo(fd, "x");
    for (int i = 0; i < 6; i++) events("level", set[i], 4, 50);
}

CASE(epoll_in_poll_and_select) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    add(ep, fd, EPOLLIN, 1);
    struct pollfd p[2] = {{ep, POLLIN | POLLOUT, 0}, {fd, POLLIN, 0}};
    TRY("poll, nothing", poll(p, 2, 50));
    echo(fd, "x");
    TRY("poll", poll(p, 2, 1000));
    say("poll", "%s %s", bits(p[0].revents), bits(p[1].revents));
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(ep, &r);
    FD_SET(ep, &w);
    struct timeval tv = {1, 0};
    TRY("select", select(ep + 1, &r, &w, NULL, &tv));
    say("select", "%d %d", !!FD_ISSET(ep, &r), !!FD_ISSET(ep, &w));
    events("the set", ep, 4, 0);
    drain(fd);
    TRY("poll, drained", poll(p, 1, 50));
    int t = dial(LATE);
    add(ep, t, EPOLLIN, 2);
    TRY("poll waits for a socket in the set", poll(p, 1, 2000));
    events("the set", ep, 4, 0);
}

CASE(epoll_several_sets) {
    int a = epoll_create1(0), b = epoll_create1(0), fd = dial(ECHO_PORT);
    add(a, fd, EPOLLIN, 1);
    add(b, fd, EPOLLIN | EPOLLET, 2);
    echo(fd, "x");
    events("a", a, 4, 1000);
    events("b", b, 4, 1000);
    events("b again", b, 4, 50);
    TRY("out of a", del(a, fd));
    echo(fd, "x");
    events("a", a, 4, 50);
    events("b", b, 4, 50);
    close(fd);
    events("b, closed", b, 4, 50);
}

CASE(epoll_rotation) {
    int ep = epoll_create1(0), fd[4];
    for (int i = 0; i < 4; i++) {
        fd[i] = udp();
        add(ep, fd[i], EPOLLOUT, (unsigned)i);
    }
    for (int i = 0; i < 5; i++) events("three of four", ep, 3, 0);
    for (int i = 0; i < 4; i++) events("one of four", ep, 1, 0);
}

CASE(epoll_bad_arguments) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), u = udp();
    struct epoll_event ev = {EPOLLIN, {0}};
    volatile int negative = -1;
    TRY("no event", epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL));
    TRY("not open", epoll_ctl(ep, EPOLL_CTL_ADD, 900, &ev));
    TRY("set not open", epoll_ctl(900, EPOLL_CTL_ADD, fd, &ev));
    TRY("set is a socket", epoll_ctl(u, EPOLL_CTL_ADD, fd, &ev));
    TRY("itself", epoll_ctl(u, EPOLL_CTL_ADD, u, &ev));
    TRY("operation 0", epoll_ctl(ep, 0, fd, &ev));
    TRY("operation 4", epoll_ctl(ep, 4, fd, &ev));
    TRY("operation 9 without event", epoll_ctl(ep, 9, fd, NULL));
    TRY("wait on a socket", epoll_wait(u, &ev, 1, 0));
    TRY("no room", epoll_wait(ep, &ev, 0, 0));
    TRY("negative room", epoll_wait(ep, &ev, negative, 0));
    TRY("mod before add", mod(ep, fd, EPOLLIN, 1));
    TRY("del before add", del(ep, fd));
    TRY("exclusive with oneshot", add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
    TRY("exclusive with RDHUP", add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLRDHUP, 1));
    TRY("exclusive", add(ep, fd, EPOLLIN | EPOLLEXCLUSIVE, 1));
    TRY("mod of an exclusive one", mod(ep, fd, EPOLLIN, 1));
    TRY("mod to exclusive", mod(ep, u, EPOLLIN | EPOLLEXCLUSIVE, 1));
    TRY("unknown bits", add(ep, u, EPOLLIN | 1u << 24, 1));
    TRY("pwait2 with a bad time", epoll_pwait2(ep, &ev, 1, &(struct timespec){0, -1}, NULL));
}

CASE(epoll_wakeup_flag) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    TRY("EPOLLWAKEUP", add(ep, fd, EPOLLIN | EPOLLWAKEUP, 1));
    echo(fd, "x");
    events("data", ep, 4, 1000);
}

CASE(epoll_pwait2_times) {
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    struct epoll_event ev;
    add(ep, fd, EPOLLIN, 1);
    long t = now_ms();
    TRY("100 ms", epoll_pwait2(ep, &ev, 1, &(struct timespec){0, 100000000}, NULL));
    say("took", "%d", now_ms() - t >= 100 && now_ms() - t < 200);
    TRY("1 ns", epoll_pwait2(ep, &ev, 1, &(struct timespec){0, 1}, NULL));
    TRY("none", epoll_pwait2(ep, &ev, 1, &(struct timespec){0, 0}, NULL));
    if (write(fd, "x", 1) != 1) return;
    TRY("without a time", epoll_pwait2(ep, &ev, 1, NULL, NULL));
}

CASE(epoll_listener) {
    int ep = epoll_create1(0), port, l = listener(&port);
    nonblocking(l);
    add(ep, l, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 1);
    events("nothing", ep, 4, 50);
    int a = tell_peer("script", port, "....");
    events("one", ep, 4, 1000);
    events("edge", ep, 4, 50);
    int b = tell_peer("script", port, "....");
    events("a second, nobody accepted", ep, 4, 1000);
    OK("accept", accept(l, NULL, NULL));
    events("one is left, no edge", ep, 4, 50);
    TRY("level", mod(ep, l, EPOLLIN, 2));
    events("level", ep, 4, 50);
    OK("accept", accept(l, NULL, NULL));
    events("none", ep, 4, 50);
    TRY("accept", accept(l, NULL, NULL));
    shutdown(l, SHUT_RDWR);
    events("shut", ep, 4, 50);
    close(a), close(b);
}
