/* readv, writev, sendmsg, recvmsg, sendmmsg, recvmmsg: gathering, limits, partial results. */
#include "case.h"

CASE(vectors) {
    int fd = dial(ECHO_PORT);
    char a[4] = "", b[8] = "", c[64] = "";
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdef", 4}};
    TRY("writev", writev(fd, out, 3));
    sleep_until_readable(fd);
    struct iovec in[2] = {{a, 3}, {b, 8}};
    TRY("readv", readv(fd, in, 2));
    say("scattered", "%.3s %.3s", a, b);
    TRY("writev of nothing", writev(fd, out, 0));
    TRY("writev, empty entries", writev(fd, out + 1, 1));
    TRY("readv of nothing", readv(fd, in, 0));
    volatile int negative = -1;
    TRY("writev, negative", writev(fd, out, negative));
    static struct iovec many[1100];
    for (int i = 0; i < 1100; i++) many[i] = (struct iovec){"z", 1};
    TRY("writev, 1024", writev(fd, many, 1024));
    TRY("writev, 1025", writev(fd, many, 1025));
    static char big[4096];
    TRY("1024 back", read_all(fd, big, 1024));
    struct iovec huge = {big, (size_t)-1};
    TRY("writev, huge", writev(fd, &huge, 1));
    for (int i = 0; i < 40; i++) many[i] = (struct iovec){big + i, 1};
    TRY("40 entries out", writev(fd, out, 3));
    sleep_until_readable(fd);
    TRY("40 entries in", readv(fd, many, 40));

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

    union {
        struct cmsghdr h;
        char bytes[64];
    } cm = {0};
    m = (struct msghdr){.msg_iov = out, .msg_iovlen = 1, .msg_control = &cm, .msg_controllen = CMSG_SPACE(4)};
    int u = udp();
    connect_to(u, peer_ip, ECHO_PORT);
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
    settle();
    while (recv(u, c, sizeof c, MSG_DONTWAIT) > 0) {}

    struct iovec parts[3] = {{"one", 3}, {"three", 5}, {"fifteen letters", 15}};
    struct mmsghdr mm[3] = {0};
    for (int i = 0; i < 3; i++) mm[i].msg_hdr.msg_iov = &parts[i], mm[i].msg_hdr.msg_iovlen = 1;
    TRY("sendmmsg", sendmmsg(u, mm, 3, 0));
    say("lengths", "%u %u %u", mm[0].msg_len, mm[1].msg_len, mm[2].msg_len);
    settle();
    char room[4][8];
    struct iovec rooms[4];
    struct mmsghdr rm[4] = {0};
    struct sockaddr_in names[4];
    for (int i = 0; i < 4; i++) {
        rooms[i] = (struct iovec){room[i], 8};
        rm[i].msg_hdr.msg_iov = &rooms[i];
        rm[i].msg_hdr.msg_iovlen = 1;
        rm[i].msg_hdr.msg_name = &names[i];
        rm[i].msg_hdr.msg_namelen = sizeof names[i];
    }
    TRY("recvmmsg, WAITFORONE", recvmmsg(u, rm, 4, MSG_WAITFORONE, NULL));
    say("lengths", "%u %u %u", rm[0].msg_len, rm[1].msg_len, rm[2].msg_len);
    say("third", "%s, name %u", rm[2].msg_hdr.msg_flags & MSG_TRUNC ? "cut" : "whole", rm[2].msg_hdr.msg_namelen);
    TRY("recvmmsg, nothing", recvmmsg(u, rm, 4, MSG_DONTWAIT, NULL));
    TRY("recvmmsg, no entries", recvmmsg(u, rm, 0, 0, NULL));
    struct timespec ts = {0, 2000000000};
    TRY("recvmmsg, bad time", recvmmsg(u, rm, 4, MSG_DONTWAIT, &ts));
    TRY("sendmmsg, no entries", sendmmsg(u, mm, 0, 0));
    parts[1].iov_len = (size_t)-1;
    TRY("sendmmsg, second is bad", sendmmsg(u, mm, 3, 0));
    TRY("sendmmsg, first is bad", sendmmsg(u, mm + 1, 2, 0));
    TRY("preadv2 at the position", preadv2(fd, in, 2, -1, 0) > 0 ? 1 : -1);
    TRY("pwritev2 at the position", pwritev2(fd, out, 1, -1, 0));
    TRY("preadv", preadv(fd, in, 2, 0));
}
