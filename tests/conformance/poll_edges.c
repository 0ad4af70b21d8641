/* Corners of poll and select: bits asked and unasked, bad arguments, errors, exceptional conditions, closed numbers. */
#include "case.h"
#include <sys/resource.h>

static void polled(const char *what, int fd, int asked) {
    struct pollfd p = {fd, (short)asked, 0x5555};
    int n = poll(&p, 1, 0);
    say(what, "%d %s", n, bits(p.revents));
}

static void chosen(const char *what, int fd) {
    fd_set s[3];
    for (int i = 0; i < 3; i++) {
        FD_ZERO(&s[i]);
        FD_SET(fd, &s[i]);
    }
    struct timeval tv = {0, 0};
    int n = select(fd + 1, &s[0], &s[1], &s[2], &tv);
    say(what, "%d r%d w%d e%d", n, !!FD_ISSET(fd, &s[0]), !!FD_ISSET(fd, &s[1]), !!FD_ISSET(fd, &s[2]));
}

CASE(poll_each_bit) {
    int fd = dial(ECHO_PORT), u = udp();
    static const int all[] = {POLLIN, POLLPRI, POLLOUT, POLLRDNORM, POLLRDBAND, POLLWRNORM, POLLWRBAND, POLLRDHUP, 0, -1};
    for (int i = 0; i < 10; i++) polled("stream, idle", fd, all[i]);
    for (int i = 0; i < 10; i++) polled("datagram, idle", u, all[i]);
    if (write(fd, "x", 1) != 1) return;
    sleep_until_readable(fd);
    for (int i = 0; i < 10; i++) polled("stream, data", fd, all[i]);
}

CASE(poll_half_closed) {
    int fd = dial(HELLO);
    until(fd, POLLRDHUP);
    polled("all", fd, -1);
    polled("IN", fd, POLLIN);
    polled("RDHUP", fd, POLLRDHUP);
    polled("nothing", fd, 0);
    chosen("select", fd);
    shutdown(fd, SHUT_WR);
    settle();
    polled("both, nothing asked", fd, 0);
    chosen("both", fd);
}

CASE(poll_reset) {
    int fd = dial(RESET);
    settle();
    polled("all", fd, -1);
    polled("nothing asked", fd, 0);
    chosen("select", fd);
    say("error", "%s", strerrorname_np(pending_error(fd)));
    polled("error taken", fd, -1);
    chosen("error taken", fd);
}

CASE(poll_unconnected) {
    int fd = tcp(), port, l = listener(&port);
    polled("fresh", fd, -1);
    chosen("fresh", fd);
    polled("listener", l, -1);
    chosen("listener", l);
    shutdown(l, SHUT_RD);
    polled("listener, shut", l, -1);
}

CASE(poll_connecting) {
    int fd = tcp();
    nonblocking(fd);
    /* Nobody has this address: the attempt goes on for a while. */
    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl((ntohl(nobody.s_addr) & ~255u) | 77);
    TRY("connect", connect_to(fd, nobody, 9));
    polled("under way", fd, -1);
    chosen("under way", fd);
    TRY("again", connect_to(fd, nobody, 9));
    shutdown(fd, SHUT_RDWR);
    polled("shut", fd, -1);
}

CASE(poll_datagram_error) {
    int u = udp();
    connect_to(u, peer_ip, CLOSED);
    if (send(u, "x", 1, 0) != 1) return;
    settle();
    polled("refused", u, -1);
    polled("nothing asked", u, 0);
    chosen("refused", u);
    char c;
    TRY("recv", recv(u, &c, 1, MSG_DONTWAIT));
    polled("told", u, -1);
    shutdown(u, SHUT_RD);
    polled("shut for reading", u, -1);
    shutdown(u, SHUT_WR);
    polled("shut both ways", u, -1);
}

CASE(poll_numbers) {
    int fd = dial(ECHO_PORT);
    struct pollfd p[4] = {{fd, POLLOUT, 0}, {-5, POLLIN, 7}, {fd, POLLIN | POLLOUT, 0}, {700, POLLIN, 0}};
    TRY("one twice, one negative, one closed", poll(p, 4, 0));
    say("revents", "%s, %s, %s, %s", bits(p[0].revents), bits(p[1].revents), bits(p[2].revents), bits(p[3].revents));
    TRY("none", poll(p, 0, 20));
    TRY("none at null", poll(NULL, 0, 20));
    TRY("negative one alone", poll(p + 1, 1, 20));
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    static struct pollfd many[5000];
    for (int i = 0; i < 5000; i++) many[i] = (struct pollfd){i ? -1 : fd, POLLOUT, 0};
    TRY("as many as the limit", poll(many, r.rlim_cur, 0));
    TRY("one more", poll(many, r.rlim_cur + 1, 0));
}

CASE(poll_times) {
    int fd = dial(ECHO_PORT);
    struct pollfd p = {fd, POLLIN, 0};
    long t = now_ms();
    TRY("80 ms", poll(&p, 1, 80));
    say("took", "%d", now_ms() - t >= 80 && now_ms() - t < 180);
    TRY("ppoll, 1 ns", ppoll(&p, 1, &(struct timespec){0, 1}, NULL));
    TRY("ppoll, bad time", ppoll(&p, 1, &(struct timespec){0, 1000000000}, NULL));
    TRY("ppoll, negative", ppoll(&p, 1, &(struct timespec){-1, 0}, NULL));
    struct timespec ts = {0, 30000000};
    TRY("ppoll", ppoll(&p, 1, &ts, NULL));
    say("time is left as it was", "%d", ts.tv_nsec == 30000000);
}

CASE(poll_closed_by_another_thread) {
    int fd = dial(ECHO_PORT), two = dup(fd);
    struct pollfd p[2] = {{fd, POLLIN, 0}, {two, POLLIN, 0}};
    close(fd);
    TRY("a closed one is at once", poll(p, 2, 2000));
    say("revents", "%s %s", bits(p[0].revents), bits(p[1].revents));
}

CASE(select_exceptional) {
    int port, l = listener(&port);
    int c = tell_peer("script", port, ".X..");
    int s = accept(l, NULL, NULL);
    chosen("before", s);
    fd_set e;
    FD_ZERO(&e);
    FD_SET(s, &e);
    struct timeval tv = {3, 0};
    TRY("select for exceptions", select(s + 1, NULL, NULL, &e, &tv));
    chosen("urgent", s);
    char b;
    TRY("MSG_OOB", recv(s, &b, 1, MSG_OOB));
    chosen("taken", s);
    close(c);
}

CASE(select_exceptions_not_for_errors) {
    int fd = dial(RESET);
    settle();
    fd_set e;
    FD_ZERO(&e);
    FD_SET(fd, &e);
    struct timeval tv = {0, 50000};
    TRY("reset is no exception", select(fd + 1, NULL, NULL, &e, &tv));
}

CASE(select_arguments) {
    int fd = dial(ECHO_PORT);
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    struct timeval tv = {0, 0};
    TRY("negative count", select(-1, &r, NULL, NULL, &tv));
    TRY("count below it", select(fd, &r, &w, NULL, &tv));
    say("left as they were", "%d %d", !!FD_ISSET(fd, &r), !!FD_ISSET(fd, &w));
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    tv = (struct timeval){0, -1};
    TRY("bad time", select(fd + 1, &r, &w, NULL, &tv));
    tv = (struct timeval){-1, 0};
    TRY("negative time", select(fd + 1, &r, &w, NULL, &tv));
    tv = (struct timeval){0, 1500000};
    TRY("more than a second of microseconds", select(fd + 1, &r, &w, NULL, &tv));
    FD_SET(fd, &r);
    FD_SET(fd, &w);
    FD_SET(60, &r);
    TRY("a closed one", select(61, &r, &w, NULL, &tv));
    TRY("no sets", select(0, NULL, NULL, NULL, &(struct timeval){0, 1000}));
    TRY("pselect, bad time", pselect(fd + 1, NULL, &w, NULL, &(struct timespec){0, -1}, NULL));
    struct timespec ts = {0, 20000000};
    FD_ZERO(&r);
    FD_SET(fd, &r);
    TRY("pselect", pselect(fd + 1, &r, NULL, NULL, &ts, NULL));
    say("time is left as it was", "%d", ts.tv_nsec == 20000000);
}

CASE(select_mixed_with_the_kernel) {
    int fd = dial(ECHO_PORT), p[2];
    if (pipe(p)) return;
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(fd, &r);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    struct timeval tv = {2, 0};
    TRY("the pipe's end", select(p[1] + 1, &r, &w, NULL, &tv));
    say("sets", "%d %d %d", !!FD_ISSET(fd, &r), !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
    if (write(fd, "x", 1) != 1 || write(p[1], "x", 1) != 1) return;
    settle();
    FD_SET(fd, &r);
    FD_SET(p[0], &r);
    TRY("all", select(p[1] + 1, &r, &w, NULL, &tv));
    say("sets", "%d %d %d", !!FD_ISSET(fd, &r), !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
}
