/* SO_RCVTIMEO and SO_SNDTIMEO: which errno, and not before their time. */
#include "case.h"

static void limit(int fd, int which, int ms) {
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, which, &tv, sizeof tv);
}

/* The upper bound is wide: a busy machine is late. */
static void took(const char *what, long start, long least) {
    long t = now_ms() - start;
    if (t >= least && t <= least + 10000) say(what, "in time");
    else say(what, "%ld ms", t);
}

CASE(time_out_of_recv) {
    char buf[64] = "";
    int fd = dial(ECHO_PORT);
    limit(fd, SO_RCVTIMEO, 200);
    long t = now_ms();
    TRY("recv", recv(fd, buf, 1, 0));
    took("recv", t, 195);
    t = now_ms();
    TRY("read", read(fd, buf, 1));
    took("read", t, 195);
    t = now_ms();
    TRY("peek", recv(fd, buf, 1, MSG_PEEK));
    took("peek", t, 195);
}

CASE(time_out_of_waitall) {
    char buf[64] = "";
    int fd = dial(ECHO_PORT);
    limit(fd, SO_RCVTIMEO, 200);
    TRY("send", send(fd, "abc", 3, 0));
    sleep_until_readable(fd);
    long t = now_ms();
    TRY("WAITALL gives what there is", recv(fd, buf, 10, MSG_WAITALL));
    took("WAITALL", t, 195);
}

CASE(time_out_of_recvmmsg) {
    char buf[64] = "";
    int fd = dial(ECHO_PORT);
    limit(fd, SO_RCVTIMEO, 200);
    struct mmsghdr m[2] = {0};
    struct iovec v = {buf, 10};
    m[0].msg_hdr.msg_iov = m[1].msg_hdr.msg_iov = &v;
    m[0].msg_hdr.msg_iovlen = m[1].msg_hdr.msg_iovlen = 1;
    long t = now_ms();
    TRY("recvmmsg", recvmmsg(fd, m, 2, 0, NULL));
    took("recvmmsg", t, 195);
}

CASE(time_out_of_accept) {
    int port, l = listener(&port);
    limit(l, SO_RCVTIMEO, 200);
    long t = now_ms();
    TRY("accept", accept(l, NULL, NULL));
    took("accept", t, 195);
}

CASE(time_out_of_send) {
    static char buf[65536];
    int fd = dial(IGNORE), small = 8192;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    limit(fd, SO_SNDTIMEO, 200);
    long total = 0, n;
    while ((n = send(fd, buf, sizeof buf, 0)) > 0 && total < 100 << 20) total += n;
    say("send fills up", "%s, took bytes %d", strerrorname_np(errno), total > 0);
    long t = now_ms();
    TRY("send", send(fd, buf, sizeof buf, 0));
    took("send", t, 195);
    ready("full", fd);
}

CASE(time_out_of_connect) {
    int fd = tcp();
    limit(fd, SO_SNDTIMEO, 200);
    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl(ntohl(peer_ip.s_addr) + 97);
    long t = now_ms();
    TRY("connect", connect_to(fd, nobody, 80));
    took("connect", t, 195);
    TRY("connect goes on", connect_to(fd, nobody, 80));
}

CASE(time_out_of_recvfrom) {
    char buf[16];
    int fd = udp();
    bind_to(fd, own_ip, 0);
    limit(fd, SO_RCVTIMEO, 100);
    long t = now_ms();
    TRY("recvfrom", recvfrom(fd, buf, 10, 0, NULL, NULL));
    took("recvfrom", t, 95);
}

CASE(time_out_values) {
    char buf[16];
    int fd = udp();
    bind_to(fd, own_ip, 0);
    limit(fd, SO_RCVTIMEO, 0);
    struct timeval tv = {-1, 0};
    TRY("negative", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    TRY("negative does not wait", recv(fd, buf, 1, 0));
    tv = (struct timeval){0, 1000000};
    TRY("a million microseconds", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
    TRY("short", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, 8));
}
