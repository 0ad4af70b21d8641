/* Control messages that a receive gives: ip(7), cmsg(3). */
#include "cmsg.h"

/* The peer sends `size` bytes with a TTL of 7 and a TOS of 0x48. */
static void from_peer(int port, int size) {
    char rest[64];
    snprintf(rest, sizeof rest, "7 72 %d", size);
    close(tell_peer("udpx", port, rest));
}

static void one(const char *what, int level, int name, int size) {
    int port, fd = bound_udp(&port);
    TRY("set", on(fd, level, name));
    int v = -1;
    socklen_t len = sizeof v;
    TRY("get", getsockopt(fd, level, name, &v, &len));
    say("value", "%d", v);
    from_peer(port, size);
    get(what, fd, 512, 0, port);
}

CASE(cmsg_nothing_asked) { one("none", SOL_SOCKET, SO_REUSEADDR, 10); }
CASE(cmsg_pktinfo) { one("pktinfo", IPPROTO_IP, IP_PKTINFO, 10); }
CASE(cmsg_ttl) { one("ttl", IPPROTO_IP, IP_RECVTTL, 10); }
CASE(cmsg_tos) { one("tos", IPPROTO_IP, IP_RECVTOS, 10); }
CASE(cmsg_destination) { one("destination", IPPROTO_IP, IP_RECVORIGDSTADDR, 10); }
CASE(cmsg_options) { one("options", IPPROTO_IP, IP_RECVOPTS, 10); }
CASE(cmsg_return_options) { one("options to return", IPPROTO_IP, IP_RETOPTS, 10); }
CASE(cmsg_fragment) { one("fragments", IPPROTO_IP, IP_RECVFRAGSIZE, 4000); }
CASE(cmsg_no_fragment) { one("whole", IPPROTO_IP, IP_RECVFRAGSIZE, 1000); }
CASE(cmsg_checksum) { one("checksum", IPPROTO_IP, IP_CHECKSUM, 10); }
CASE(cmsg_overflow_none) { one("no drops", SOL_SOCKET, SO_RXQ_OVFL, 10); }

static int all(int *port) {
    int fd = bound_udp(port);
    int names[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_RECVOPTS, IP_RETOPTS, IP_RECVORIGDSTADDR, IP_RECVFRAGSIZE};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) on(fd, IPPROTO_IP, names[i]);
    on(fd, SOL_SOCKET, SO_TIMESTAMP);
    return fd;
}

CASE(cmsg_all_in_order) {
    int port, fd = all(&port);
    from_peer(port, 5000);
    get("all", fd, 512, 0, port);
}

/* Every room from nothing to enough. */
CASE(cmsg_truncated) {
    int port, fd = all(&port);
    for (size_t room = 0; room <= 200; room += 4) {
        from_peer(port, 5000);
        get("room", fd, room, 0, port);
    }
}

CASE(cmsg_null_control) {
    int port, fd = all(&port);
    from_peer(port, 3);
    sleep_until_readable(fd);
    char data[8];
    struct iovec v = {data, sizeof data};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_controllen = 100};
    TRY("null with a length", recvmsg(fd, &m, 0));
    say("after", "flags %#x controllen %zu", m.msg_flags, (size_t)m.msg_controllen);
}

CASE(cmsg_peek) {
    int port, fd = all(&port);
    from_peer(port, 3);
    get("peek", fd, 512, MSG_PEEK, port);
    get("take", fd, 512, 0, port);
    get("nothing left", fd, 512, MSG_DONTWAIT, port);
}

CASE(cmsg_switched_off) {
    int port, fd = all(&port), zero = 0;
    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &zero, sizeof zero);
    setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &zero, 1);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &zero, sizeof zero);
    from_peer(port, 3);
    get("the others", fd, 512, 0, port);
}

CASE(cmsg_mapped) {
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), zero = 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6};
    socklen_t len = sizeof a;
    TRY("bind", bind(fd, (void *)&a, sizeof a));
    getsockname(fd, (void *)&a, &len);
    TRY("pktinfo", on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO));
    TRY("hop limit", on(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT));
    TRY("traffic class", on(fd, IPPROTO_IPV6, IPV6_RECVTCLASS));
    from_peer(ntohs(a.sin6_port), 9);
    get("IPv6 options only", fd, 512, 0, ntohs(a.sin6_port));
    on(fd, IPPROTO_IP, IP_RECVTTL);
    on(fd, IPPROTO_IP, IP_PKTINFO);
    on(fd, IPPROTO_IP, IP_RECVTOS);
    from_peer(ntohs(a.sin6_port), 9);
    get("with those of IPv4", fd, 512, 0, ntohs(a.sin6_port));
}

CASE(cmsg_overflow) {
    int port, fd = bound_udp(&port), small = 1;
    on(fd, SOL_SOCKET, SO_RXQ_OVFL);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 40; i++) from_peer(port, 1000);
    settle();
    char c[512], data[2000];
    while (recv(fd, data, sizeof data, MSG_DONTWAIT) > 0) continue;
    from_peer(port, 7);
    struct iovec v = {data, sizeof data};
    struct msghdr m;
    ssize_t n;
    do { /* some of the flood may be late */
        m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
        n = recvmsg(fd, &m, 0);
    } while (n == 1000);
    TRY("after a flood", n);
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    unsigned drops = 0;
    if (h) memcpy(&drops, CMSG_DATA(h), sizeof drops);
    say("told", "level %d type %d len %zu, some %d", h ? h->cmsg_level : 0, h ? h->cmsg_type : 0, h ? (size_t)h->cmsg_len : 0,
        drops > 0 && drops < 40);
}

CASE(cmsg_recvmmsg) {
    int port, fd = all(&port);
    for (int i = 0; i < 3; i++) {
        from_peer(port, 20 + i);
        settle();
    }
    char data[3][64];
    _Alignas(8) char control[3][256];
    struct iovec v[3];
    struct mmsghdr m[3];
    memset(m, 0, sizeof m);
    for (int i = 0; i < 3; i++) {
        v[i] = (struct iovec){data[i], sizeof data[i]};
        m[i].msg_hdr.msg_iov = &v[i];
        m[i].msg_hdr.msg_iovlen = 1;
        m[i].msg_hdr.msg_control = control[i];
        m[i].msg_hdr.msg_controllen = 100u * (unsigned)i;
    }
    TRY("three", recvmmsg(fd, m, 3, 0, NULL));
    for (int i = 0; i < 3; i++) show("each", m[i].msg_len, &m[i].msg_hdr, port);
}

CASE(cmsg_stream_queue) {
    int fd = dial(HELLO), one = 1, v = -1;
    socklen_t len = sizeof v;
    TRY("set 2", setsockopt(fd, IPPROTO_TCP, TCP_INQ, &(int){2}, sizeof v));
    TRY("set 1", setsockopt(fd, IPPROTO_TCP, TCP_INQ, &one, sizeof one));
    TRY("get", getsockopt(fd, IPPROTO_TCP, TCP_INQ, &v, &len));
    say("value", "%d", v);
    settle();
    char data[2];
    _Alignas(8) char control[64];
    struct iovec i = {data, sizeof data};
    struct msghdr m = {.msg_iov = &i, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &m, 0);
    show("two bytes", n, &m, 0);
    TRY("not on UDP", setsockopt(udp(), IPPROTO_TCP, TCP_INQ, &one, sizeof one));
}

CASE(cmsg_stream_ignores_ip) {
    int fd = dial(HELLO);
    TRY("pktinfo", on(fd, IPPROTO_IP, IP_PKTINFO));
    TRY("ttl", on(fd, IPPROTO_IP, IP_RECVTTL));
    TRY("fragsize", on(fd, IPPROTO_IP, IP_RECVFRAGSIZE));
    settle();
    get("stream", fd, 256, 0, 0);
}
