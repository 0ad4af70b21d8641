/* dprintf and kin, which libc writes by itself, and their fortified forms. */
#include "case.h"

int __dprintf_chk(int, int, const char *, ...);
int __vdprintf_chk(int, int, const char *, va_list);

static const char *next(int fd, size_t n) {
    static char buf[1024];
    ssize_t got = read_all(fd, buf, n);
    buf[got > 0 ? got : 0] = 0;
    return buf;
}

static int by_list(int fd, int checked, const char *format, ...) {
    va_list v;
    va_start(v, format);
    int n = checked ? __vdprintf_chk(fd, 1, format, v) : vdprintf(fd, format, v);
    va_end(v);
    return n;
}

CASE(dprintf_arguments) {
    int fd = dial(ECHO_PORT);
    TRY("none", dprintf(fd, "plain"));
    say("came back", "%s", next(fd, 5));
    /* More of each kind than there are registers. */
    TRY("integers", dprintf(fd, "%d %d %d %d %d %d %d %ld", 1, 2, 3, 4, 5, 6, 7, 8L));
    say("came back", "%s", next(fd, 15));
    TRY("floats", dprintf(fd, "%g %g %g %g %g %g %g %g %g %g", .5, 1., 2., 3., 4., 5., 6., 7., 8., 9.));
    say("came back", "%s", next(fd, 21));
    TRY("mixed", dprintf(fd, "%s %d %.1f %c %s %Lf %lld|%5s|", "a", 1, 2.5, 'c', "d", (long double)1.25, 1LL << 40, "e"));
    say("came back", "%s", next(fd, 41));
    TRY("a NUL in it", dprintf(fd, "a%cb", 0));
    say("second byte", "%d", next(fd, 3)[1]);
    TRY("nothing", dprintf(fd, "%s", ""));
}

CASE(dprintf_fortified) {
    int fd = dial(ECHO_PORT);
    TRY("checked", __dprintf_chk(fd, 1, "%d %s %.2f %d %d %d %d", 1, "two", 3.5, 4, 5, 6, 7));
    say("came back", "%s", next(fd, 18));
    TRY("by list", by_list(fd, 0, "%s-%d-%g", "x", 5, 0.25));
    say("came back", "%s", next(fd, 8));
    TRY("by list, checked", by_list(fd, 1, "%s+%d+%g", "y", 6, 0.5));
    say("came back", "%s", next(fd, 7));
}

CASE(dprintf_errno_is_kept) {
    int fd = dial(ECHO_PORT);
    errno = 77;
    dprintf(fd, "x%m");
    say("errno", "%d", errno);
}

CASE(dprintf_errors) {
    signal(SIGPIPE, SIG_IGN);
    int fd = dial(ECHO_PORT), u = udp();
    shutdown(fd, SHUT_WR);
    TRY("shut", dprintf(fd, "text"));
    TRY("closed", dprintf(999, "text"));
    TRY("not connected", dprintf(tcp(), "text"));
    TRY("a datagram to nowhere", dprintf(u, "text"));
    TRY("fortified", __dprintf_chk(fd, 1, "text"));
}

CASE(dprintf_full) {
    int port, l = listener(&port), fd = tcp(), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    connect_to(fd, own_ip, port);
    int other = accept(l, NULL, NULL);
    nonblocking(fd);
    static char big[8 << 20];
    memset(big, 'x', sizeof big - 1);
    TRY("more than fits", dprintf(fd, "%s", big));
    char c;
    TRY("what fitted is there", recv(other, &c, 1, 0));
}

CASE(dprintf_datagram) {
    int a = udp(), b = udp();
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    char got[64] = "";
    bind_to(a, own_ip, 0);
    bind_to(b, own_ip, 0);
    getsockname(b, (void *)&to, &len);
    connect(a, (void *)&to, sizeof to);
    TRY("dprintf", dprintf(a, "one %d", 1));
    TRY("recv", recv(b, got, sizeof got, 0));
    say("datagram", "%s", got);
}

CASE(dprintf_blocks) {
    int fd = dial(REPORT);
    static char big[3 << 20];
    memset(big, 'x', sizeof big - 1);
    TRY("three megabytes", dprintf(fd, "%s", big));
    close(fd);
    peer_saw("them");
}
