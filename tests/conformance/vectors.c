/* readv, writev, sendmsg, recvmsg: gathering, limits, partial results. */
#include "case.h"

static struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}};
static struct iovec many[1100];
static char a[4], b[8], big[4096];
static struct iovec in[2] = {{a, 3}, {b, 8}};

CASE(writev_readv) {
    int fd = dial(ECHO_PORT);
    TRY("writev", writev(fd, out, 3));
    sleep_until_readable(fd);
    TRY("readv", readv(fd, in, 2));
    say("scattered", "%.3s %.3s", a, b);
    TRY("writev of nothing", writev(fd, out, 0));
    TRY("writev, empty entries", writev(fd, out + 1, 1));
    TRY("readv of nothing", readv(fd, in, 0));
    nonblocking(fd);
    TRY("readv, nothing there", readv(fd, in, 2));
}

CASE(vector_limits) {
    int fd = dial(ECHO_PORT);
    volatile int negative = -1;
    TRY("writev, negative", writev(fd, out, negative));
    TRY("readv, negative", readv(fd, out, negative));
    for (int i = 0; i < 1100; i++) many[i] = (struct iovec){"z", 1};
    TRY("writev, 1024", writev(fd, many, 1024));
    TRY("writev, 1025", writev(fd, many, 1025));
    TRY("1024 back", read_all(fd, big, 1024));
    struct iovec huge = {big, (size_t)-1};
    TRY("writev, huge", writev(fd, &huge, 1));
    struct iovec two[2] = {{big, 10}, {big, (size_t)-1}};
    TRY("writev, second is huge", writev(fd, two, 2));
    nonblocking(fd);
    TRY("nothing of it was sent", recv(fd, big, 1, 0));
}

CASE(many_entries) {
    int fd = dial(ECHO_PORT);
    for (int i = 0; i < 40; i++) many[i] = (struct iovec){big + i, 1};
    TRY("three entries out", writev(fd, out, 3));
    sleep_until_readable(fd);
    TRY("40 entries in", readv(fd, many, 40));
    say("data", "%.6s", big);
}

CASE(msg_stream) {
    int fd = dial(ECHO_PORT);
    struct msghdr m = {.msg_iov = out, .msg_iovlen = 3};
    TRY("sendmsg", sendmsg(fd, &m, 0));
    sleep_until_readable(fd);
    struct sockaddr_in name;
    char control[128];
    m = (struct msghdr){&name, sizeof name, in, 2, control, sizeof control, -1};
    TRY("recvmsg", recvmsg(fd, &m, 0));
    say("header", "name %u control %zu flags %x", m.msg_namelen, (size_t)m.msg_controllen, m.msg_flags);
    m = (struct msghdr){.msg_iov = many, .msg_iovlen = 1025};
    TRY("sendmsg, 1025", sendmsg(fd, &m, 0));
    TRY("recvmsg, 1025", recvmsg(fd, &m, MSG_DONTWAIT));
    m = (struct msghdr){0};
    TRY("recvmsg, no room", recvmsg(fd, &m, MSG_DONTWAIT));
    TRY("sendmsg of nothing", sendmsg(fd, &m, 0));
}

CASE(msg_control) {
    int fd = dial(ECHO_PORT), u = udp();
    connect_to(u, peer_ip, ECHO_PORT);
    union {
        struct cmsghdr h;
        char bytes[64];
    } cm = {0};
    struct msghdr m = {.msg_iov = out, .msg_iovlen = 1, .msg_control = &cm, .msg_controllen = CMSG_SPACE(4)};
    const struct {
        const char *what;
        int level, type, value;
    } list[] = {{"SCM_RIGHTS", SOL_SOCKET, SCM_RIGHTS, 0}, {"unknown", SOL_SOCKET, 99, 0}, {"IP_TTL 0", SOL_IP, IP_TTL, 0},
                {"IP_TTL 64", SOL_IP, IP_TTL, 64},         {"unknown IP", SOL_IP, 77, 0},  {"another level", 99, 1, 0}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        cm.h = (struct cmsghdr){CMSG_LEN(4), list[i].level, list[i].type};
        memcpy(CMSG_DATA(&cm.h), &list[i].value, 4);
        char what[64];
        snprintf(what, sizeof what, "control %s, stream", list[i].what);
        TRY(what, sendmsg(fd, &m, 0));
        snprintf(what, sizeof what, "control %s, datagram", list[i].what);
        TRY(what, sendmsg(u, &m, 0));
    }
    cm.h.cmsg_len = 3;
    TRY("control, short", sendmsg(fd, &m, 0));
    cm.h.cmsg_len = 100;
    TRY("control, long", sendmsg(u, &m, 0));
}

CASE(preadv2_pwritev2) {
    int fd = dial(ECHO_PORT);
    TRY("pwritev2 at the position", pwritev2(fd, out, 1, -1, 0));
    sleep_until_readable(fd);
    TRY("preadv2 at the position", preadv2(fd, in, 2, -1, 0));
    TRY("preadv", preadv(fd, in, 2, 0));
    TRY("pwritev", pwritev(fd, out, 1, 0));
    TRY("preadv2 with an offset", preadv2(fd, in, 2, 0, 0));
    TRY("preadv2, unknown flags", preadv2(fd, in, 2, -1, 0x4000));
    TRY("preadv2, RWF_NOWAIT", preadv2(fd, in, 2, -1, RWF_NOWAIT));
}

/* A blocking writev of more than fits is whole; a non-blocking one is cut. */
CASE(writev_partial) {
    static char data[3 << 20];
    struct iovec v[3] = {{data, 1 << 20}, {data, 1 << 20}, {data, 1 << 20}};
    int fd = dial(DISCARD);
    TRY("blocking", writev(fd, v, 3));
    fd = dial(IGNORE);
    int small = 20000;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    nonblocking(fd);
    ssize_t n = writev(fd, v, 3);
    say("non-blocking", "%d", n > 0 && n < 3 << 20);
    while (writev(fd, v, 3) > 0) {}
    say("then", "%s", strerrorname_np(errno));
}
