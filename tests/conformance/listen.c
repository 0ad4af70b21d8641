/* listen(2): states, queues, what a closed listener leaves. */
#include "case.h"

CASE(listen_twice) {
    int port, l = listener(&port);
    TRY("listen again", listen(l, 1));
    TRY("and with zero", listen(l, 0));
    TRY("and negative", listen(l, -1));
    int on = -1;
    socklen_t len = sizeof on;
    getsockopt(l, SOL_SOCKET, SO_ACCEPTCONN, &on, &len);
    say("SO_ACCEPTCONN", "%d", on);
}

CASE(listen_unbound) {
    int fd = tcp();
    TRY("unbound", listen(fd, 1));
    struct sockaddr_in a = {0};
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("got", "the wildcard %d and a port %d", a.sin_addr.s_addr == 0, a.sin_port != 0);
}

CASE(listen_wrong_sockets) {
    TRY("UDP", listen(udp(), 1));
    TRY("a connection", listen(dial(ECHO_PORT), 1));
    TRY("a file", listen(open("/dev/null", O_RDWR), 1));
    TRY("nothing", listen(987, 1));
    int fd = tcp();
    nonblocking(fd);
    struct in_addr nobody = {htonl(ntohl(peer_ip.s_addr) + 98)};
    connect_to(fd, nobody, 80);
    TRY("a socket that connects", listen(fd, 1));
}

CASE(listener_is_not_a_connection) {
    int port, l = listener(&port);
    char c;
    TRY("connect", connect_to(l, peer_ip, ECHO_PORT));
    TRY("send", send(l, "x", 1, MSG_NOSIGNAL));
    TRY("recv", recv(l, &c, 1, 0));
    TRY("bind", bind_to(l, own_ip, 4103));
    TRY("SO_ERROR", pending_error(l));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("getpeername", getpeername(l, (void *)&a, &len));
    TRY("shutdown for writing", shutdown(l, SHUT_WR));
    ready("still listening", l);
}

CASE(listener_gone) {
    int port, l = listener(&port);
    close(l);
    char buf[40] = "";
    int fd = tell_peer("connect", port, "");
    TRY("told", read(fd, buf, sizeof buf));
    say("the peer says", "%.16s", buf);
}

CASE(listen_backlog) {
    int fd = tcp(), conns[6];
    bind_to(fd, own_ip, 4120);
    TRY("listen for one", listen(fd, 1));
    for (int i = 0; i < 6; i++) {
        conns[i] = tcp();
        nonblocking(conns[i]);
        connect_to(conns[i], own_ip, 4120);
    }
    settle();
    int open_ones = 0;
    for (int i = 0; i < 6; i++) {
        struct pollfd p = {conns[i], POLLOUT, 0};
        open_ones += poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
    }
    say("connections beyond the queue wait", "%d", open_ones);
    nonblocking(fd);
    int taken = 0;
    while (accept(fd, NULL, NULL) >= 0) taken++;
    say("taken", "%d", taken);
}

CASE(listener_closes_with_a_queue) {
    int fd = tcp();
    bind_to(fd, own_ip, 4121);
    listen(fd, 4);
    int c = tcp();
    TRY("connect", connect_to(c, own_ip, 4121));
    TRY("send", send(c, "abc", 3, 0));
    close(fd);
    settle();
    ready("the other end", c);
    char buf[4];
    TRY("recv", recv(c, buf, 1, 0));
    TRY("recv again", recv(c, buf, 1, 0));
    say("SO_ERROR", "%d", pending_error(c));
}

CASE(listen_same_port_after_close) {
    int port = 4131, l = tcp(), one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bind_to(l, (struct in_addr){0}, port);
    listen(l, 4);
    tell_peer("connect", port, "x");
    int s = accept(l, NULL, NULL);
    close(l);
    int again = tcp();
    TRY("port of a live connection", bind_to(again, (struct in_addr){0}, port));
    setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("the same with REUSEADDR", bind_to(again, (struct in_addr){0}, port));
    TRY("listen", listen(again, 1));
    close(s);
    tell_peer("connect", port, "y");
    sleep_until_readable(again);
    OK("accept", accept(again, NULL, NULL));
}

CASE(listen_shut_and_again) {
    int port, l = listener(&port);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("shutdown", shutdown(l, SHUT_RDWR));
    getsockname(l, (void *)&a, &len);
    say("a port that the system picked", "%s", a.sin_port == 0 ? "is given back" : ntohs(a.sin_port) == port ? "is kept" : "is another");
    TRY("listen again", listen(l, 4));
    len = sizeof a;
    getsockname(l, (void *)&a, &len);
    say("listening", "%d", a.sin_port != 0);
    TRY("bind it then", bind_to(l, own_ip, 0));
}
