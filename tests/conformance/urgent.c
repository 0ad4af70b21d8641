/* Urgent data (tcp(7), RFC 6093): MSG_OOB, SO_OOBINLINE, the mark, POLLPRI, SIGURG, both ways. */
#include "case.h"

/* Longer than the pauses of any script. */
#define settle() usleep(220000)

/* A connection on which the peer follows a script: capitals are urgent, '.' is a pause, '$' the end. */
static int told;
static int scripted(const char *script) {
    int port, l = listener(&port);
    told = tell_peer("script", port, script);
    int s = accept(l, NULL, NULL);
    close(l);
    return s;
}

static void mark(const char *what, int s) {
    int at = -1, queued = -1;
    ioctl(s, SIOCATMARK, &at);
    ioctl(s, FIONREAD, &queued);
    say(what, "mark %d sockatmark %d queued %d", at, sockatmark(s), queued);
}

static void take(const char *what, int s, int flags) {
    char buf[64] = "";
    ssize_t n = recv(s, buf, sizeof buf - 1, flags | MSG_DONTWAIT);
    if (n < 0) say(what, "%s", strerrorname_np(errno));
    else say(what, "%zd %s", n, buf);
}

static void inline_mode(int s) {
    int one = 1;
    TRY("SO_OOBINLINE", setsockopt(s, SOL_SOCKET, SO_OOBINLINE, &one, sizeof one));
}

CASE(urgent_read_stops) {
    int s = scripted("abcX.def.");
    settle(), settle();
    ready("all here", s);
    mark("before", s);
    take("first read", s, 0);
    mark("at it", s);
    ready("at it", s);
    take("MSG_OOB", s, MSG_OOB);
    take("MSG_OOB again", s, MSG_OOB);
    ready("taken", s);
    mark("still there", s);
    take("second read", s, 0);
    mark("behind", s);
    take("MSG_OOB behind", s, MSG_OOB);
    take("nothing left", s, 0);
}

CASE(urgent_alone) {
    int s = scripted("X.");
    settle();
    ready("only the urgent byte", s);
    mark("only the urgent byte", s);
    take("a read steps over it", s, 0);
    mark("gone", s);
    take("MSG_OOB", s, MSG_OOB);
    ready("gone", s);
}

CASE(urgent_none) {
    int s = dial(ECHO_PORT), u = udp(), l, port, f = tcp();
    l = listener(&port);
    take("connected", s, MSG_OOB);
    take("listener", l, MSG_OOB);
    take("fresh", f, MSG_OOB);
    mark("fresh", f);
    int at = -1;
    TRY("SIOCATMARK on udp", ioctl(u, SIOCATMARK, &at));
    TRY("sockatmark on udp", sockatmark(u));
    TRY("sockatmark on a pipe", sockatmark(0));
    TRY("MSG_OOB send on udp", send(u, "x", 1, MSG_OOB));
    connect_to(u, peer_ip, ECHO_PORT);
    TRY("MSG_OOB send on a connected udp", send(u, "x", 1, MSG_OOB));
    TRY("MSG_OOB send unconnected", send(f, "x", 1, MSG_OOB | MSG_NOSIGNAL));
    int v = 7;
    socklen_t n = sizeof v;
    TRY("udp takes SO_OOBINLINE", setsockopt(u, SOL_SOCKET, SO_OOBINLINE, &v, sizeof v));
    TRY("and gives it back", getsockopt(u, SOL_SOCKET, SO_OOBINLINE, &v, &n));
    say("as", "%d", v);
}

CASE(urgent_inline) {
    int s = scripted("abX.de.");
    inline_mode(s);
    settle(), settle();
    ready("all here", s);
    mark("all here", s);
    take("MSG_OOB", s, MSG_OOB);
    take("first read", s, 0);
    mark("at it", s);
    ready("at it", s);
    take("second read", s, 0);
    mark("behind", s);
    ready("behind", s);
}

CASE(urgent_inline_inherited) {
    int port, l = listener(&port), v = -1;
    inline_mode(l);
    socklen_t n = sizeof v;
    int c = tell_peer("script", port, "aX.");
    int s = accept(l, NULL, NULL);
    getsockopt(s, SOL_SOCKET, SO_OOBINLINE, &v, &n);
    say("inherited", "%d", v);
    settle();
    take("stops", s, 0);
    take("goes on", s, 0);
    close(c);
}

CASE(urgent_newer_replaces) {
    int s = scripted("aX.bY.c.");
    settle(), settle();
    take("MSG_OOB", s, MSG_OOB);
    mark("of two", s);
    take("first read", s, 0);
    take("second read", s, 0);
    take("third read", s, 0);
}

CASE(urgent_two_in_a_row) {
    int s = scripted("X.........Y.z.");
    struct pollfd p = {s, POLLPRI, 0};
    poll(&p, 1, 3000);
    take("the first", s, MSG_OOB);
    poll(&p, 1, 5000);
    take("the second", s, MSG_OOB);
    sleep_until_readable(s);
    take("read", s, 0);
    mark("behind", s);
}

CASE(urgent_peek) {
    int s = scripted("abX.cd.");
    settle(), settle();
    take("MSG_OOB|MSG_PEEK", s, MSG_OOB | MSG_PEEK);
    take("MSG_PEEK", s, MSG_PEEK);
    take("read", s, 0);
    take("MSG_PEEK at the mark", s, MSG_PEEK);
    take("MSG_OOB", s, MSG_OOB);
    take("MSG_TRUNC at the mark", s, MSG_TRUNC);
}

CASE(urgent_waitall) {
    int s = scripted("abX.cdefgh.");
    char buf[16] = "";
    settle(), settle();
    TRY("MSG_WAITALL stops at the mark", recv(s, buf, 6, MSG_WAITALL));
    say("got", "%s", buf);
    memset(buf, 0, sizeof buf);
    TRY("MSG_WAITALL behind it", recv(s, buf, 6, MSG_WAITALL));
    say("got", "%s", buf);
}

CASE(urgent_readv) {
    int s = scripted("abcdX.efgh.");
    char a[5] = "", b[9] = "";
    struct iovec v[2] = {{a, 4}, {b, 8}};
    settle(), settle();
    TRY("readv to the mark", readv(s, v, 2));
    say("got", "%s %s", a, b);
    TRY("readv behind it", readv(s, v, 2));
    say("got", "%s %s", a, b);
}

CASE(urgent_recvmsg) {
    int s = scripted("aXb.");
    settle();
    char buf[8] = "";
    struct iovec v = {buf, 0};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    TRY("no room, a look", recvmsg(s, &m, MSG_OOB | MSG_PEEK));
    say("flags", "oob %d trunc %d", !!(m.msg_flags & MSG_OOB), !!(m.msg_flags & MSG_TRUNC));
    v.iov_len = 8;
    TRY("room", recvmsg(s, &m, MSG_OOB));
    say("flags", "%s oob %d trunc %d", buf, !!(m.msg_flags & MSG_OOB), !!(m.msg_flags & MSG_TRUNC));
    TRY("plain", recvmsg(s, &m, 0));
    say("flags", "oob %d", !!(m.msg_flags & MSG_OOB));
}

CASE(urgent_splice) {
    int s = scripted("abX.cd."), p[2];
    char buf[16] = "";
    settle(), settle();
    if (pipe(p) < 0) return;
    TRY("splice to the mark", splice(s, NULL, p[1], NULL, 16, 0));
    TRY("splice at the mark", splice(s, NULL, p[1], NULL, 16, SPLICE_F_NONBLOCK));
    TRY("pipe", read(p[0], buf, 16));
    say("got", "%s", buf);
    take("read", s, 0);
}

CASE(urgent_end_of_stream) {
    int s = scripted("aX.$");
    settle(), settle();
    ready("urgent and end", s);
    take("read", s, 0);
    ready("at the mark", s);
    take("MSG_OOB", s, MSG_OOB);
    take("end", s, 0);
    take("MSG_OOB at the end", s, MSG_OOB);
}

CASE(urgent_reset) {
    int s = scripted("aX.!");
    settle(), settle();
    ready("reset", s);
    take("MSG_OOB", s, MSG_OOB);
    take("read", s, 0);
    take("read", s, 0);
}

static volatile sig_atomic_t urgs;
static void on_urg(int sig) { (void)sig, urgs++; }

CASE(urgent_sigurg) {
    signal(SIGURG, on_urg);
    int s = scripted(".aX...Y..");
    TRY("F_SETOWN", fcntl(s, F_SETOWN, getpid()));
    for (int i = 0; i < 200 && urgs < 1; i++) usleep(20000);
    say("one", "%d", (int)urgs);
    take("MSG_OOB", s, MSG_OOB);
    settle(), settle(), settle();
    say("two", "%d", (int)urgs);
    TRY("no owner", fcntl(s, F_SETOWN, 0));
    say("owner", "%d", fcntl(s, F_GETOWN));
}

CASE(urgent_sigurg_interrupts_recv) {
    struct sigaction sa = {.sa_handler = on_urg};
    sigaction(SIGURG, &sa, NULL);
    int s = scripted(".X.abc.");
    fcntl(s, F_SETOWN, getpid());
    char buf[8];
    TRY("recv", recv(s, buf, 8, 0));
    say("signals", "%d", (int)urgs);
    take("MSG_OOB", s, MSG_OOB);
}

CASE(urgent_wakes_poll) {
    int s = scripted(".X.");
    struct pollfd p = {s, POLLPRI, 0};
    TRY("poll for PRI", poll(&p, 1, 3000));
    say("poll", "%s", bits(p.revents));
    p.events = POLLIN | POLLRDBAND;
    TRY("poll for IN", poll(&p, 1, 200));
    take("MSG_OOB", s, MSG_OOB);
    p.events = POLLPRI;
    TRY("poll, taken", poll(&p, 1, 100));
}

CASE(urgent_wakes_select) {
    int s = scripted(".X.");
    fd_set r, e;
    FD_ZERO(&r);
    FD_ZERO(&e);
    FD_SET(s, &r);
    FD_SET(s, &e);
    struct timeval tv = {3, 0};
    TRY("select", select(s + 1, &r, NULL, &e, &tv));
    say("sets", "read %d except %d", !!FD_ISSET(s, &r), !!FD_ISSET(s, &e));
    take("MSG_OOB", s, MSG_OOB);
    FD_SET(s, &e);
    tv = (struct timeval){0, 50000};
    TRY("select, taken", select(s + 1, NULL, NULL, &e, &tv));
}

CASE(urgent_wakes_epoll) {
    int ep = epoll_create1(0), s = scripted(".X.a..Y..");
    struct epoll_event ev = {EPOLLPRI | EPOLLET, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
    TRY("epoll", epoll_wait(ep, &ev, 1, 3000));
    say("events", "%s", bits((int)ev.events));
    TRY("the edge of new data", epoll_wait(ep, &ev, 1, 150));
    take("MSG_OOB", s, MSG_OOB);
    TRY("the second", epoll_wait(ep, &ev, 1, 3000));
    take("MSG_OOB", s, MSG_OOB);
}

CASE(urgent_wakes_epoll_of_kernel) {
    int ep = epoll_create1(0), outer = epoll_create1(0), s = scripted(".X.");
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(outer, EPOLL_CTL_ADD, ep, &ev);
    ev.events = EPOLLPRI;
    epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev);
    TRY("outer", epoll_wait(outer, &ev, 1, 3000));
    TRY("inner", epoll_wait(ep, &ev, 1, 0));
    say("events", "%s", bits((int)ev.events));
    take("MSG_OOB", s, MSG_OOB);
    TRY("taken", epoll_wait(ep, &ev, 1, 50));
}

/* What the peer's kernel makes of ours. */
static int sending(int *command) {
    int port, l = listener(&port);
    *command = tell_peer("urgent", port, "");
    int s = accept(l, NULL, NULL);
    close(l);
    return s;
}

static void heard(const char *what, int command) {
    char buf[256] = "";
    read_all(command, buf, sizeof buf - 1);
    say(what, "%s", strtok(buf, "\n"));
}

CASE(urgent_sent) {
    int c, s = sending(&c);
    TRY("plain", send(s, "abc", 3, 0));
    TRY("urgent", send(s, "X", 1, MSG_OOB));
    TRY("plain", send(s, "def", 3, 0));
    shutdown(s, SHUT_WR);
    heard("peer", c);
}

CASE(urgent_sent_last_byte) {
    int c, s = sending(&c);
    TRY("the last byte of several", send(s, "abcdX", 5, MSG_OOB));
    TRY("plain", send(s, "ef", 2, 0));
    shutdown(s, SHUT_WR);
    heard("peer", c);
}

CASE(urgent_sent_twice) {
    int c, s = sending(&c);
    TRY("one", send(s, "aX", 2, MSG_OOB));
    usleep(50000);
    TRY("two", send(s, "bY", 2, MSG_OOB));
    TRY("plain", send(s, "c", 1, 0));
    shutdown(s, SHUT_WR);
    heard("peer", c);
}

CASE(urgent_sent_corked) {
    int c, s = sending(&c), one = 1;
    setsockopt(s, IPPROTO_TCP, TCP_CORK, &one, sizeof one);
    TRY("plain", send(s, "abc", 3, 0));
    TRY("urgent", send(s, "X", 1, MSG_OOB));
    usleep(100000);
    one = 0;
    ioctl(s, TIOCOUTQ, &one);
    say("not acknowledged", "%d", one);
    shutdown(s, SHUT_WR);
    heard("peer", c);
}

CASE(urgent_sent_large) {
    int c, s = sending(&c);
    static char big[100000];
    memset(big, 'a', sizeof big);
    big[sizeof big - 1] = 'X';
    TRY("a large one", send(s, big, sizeof big, MSG_OOB));
    shutdown(s, SHUT_WR);
    char buf[8000] = "";
    read_all(c, buf, sizeof buf - 1);
    say("peer", "%.3s", buf);
}
