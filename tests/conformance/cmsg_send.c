/* Control messages that a send is given: ip(7), udp(7), cmsg(3). What they do shows at our own other socket. */
#include "cmsg.h"

struct control {
    _Alignas(8) char bytes[256];
    size_t len;
};

static void add(struct control *c, int level, int type, const void *data, size_t len) {
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
    memcpy(c->bytes + c->len, &h, sizeof h);
    memcpy(c->bytes + c->len + CMSG_LEN(0), data, len);
    c->len += CMSG_SPACE(len);
}

static ssize_t send_with(int fd, struct in_addr to, int port, struct control *c) {
    struct sockaddr_in a = at(to, port);
    struct iovec v = {"hello", 5};
    struct msghdr m = {.msg_name = port ? &a : NULL, .msg_namelen = port ? sizeof a : 0, .msg_iov = &v, .msg_iovlen = 1,
                       .msg_control = c->bytes, .msg_controllen = c->len};
    return sendmsg(fd, &m, 0);
}

/* Sends to ourselves and shows how it arrived. */
static void loop(const char *what, struct control *c) {
    int port, to = bound_udp(&port), fd = udp();
    on(to, IPPROTO_IP, IP_RECVTTL);
    on(to, IPPROTO_IP, IP_RECVTOS);
    TRY(what, send_with(fd, own_ip, port, c));
    get("arrived", to, 256, 0, port);
}

static void one(const char *what, int level, int type, const void *data, size_t len) {
    struct control c = {.len = 0};
    add(&c, level, type, data, len);
    TRY(what, send_with(udp(), peer_ip, DISCARD, &c));
}

CASE(cmsg_send_ttl) {
    struct control c = {.len = 0};
    add(&c, IPPROTO_IP, IP_TTL, &(int){9}, 4);
    loop("ttl 9", &c);
    int bad[] = {0, -1, 256, 255, 1};
    for (int i = 0; i < 5; i++) one("ttl", IPPROTO_IP, IP_TTL, &bad[i], 4);
    one("a byte", IPPROTO_IP, IP_TTL, &bad[4], 1);
    one("long", IPPROTO_IP, IP_TTL, bad, 8);
}

CASE(cmsg_send_tos) {
    struct control c = {.len = 0};
    add(&c, IPPROTO_IP, IP_TOS, &(int){0x28}, 4);
    loop("tos", &c);
    struct control d = {.len = 0};
    add(&d, IPPROTO_IP, IP_TOS, "\x10", 1);
    loop("a byte", &d);
    int bad[] = {-1, 256, 255};
    for (int i = 0; i < 3; i++) one("tos", IPPROTO_IP, IP_TOS, &bad[i], 4);
    one("two bytes", IPPROTO_IP, IP_TOS, bad, 2);
}

CASE(cmsg_send_both) {
    struct control c = {.len = 0};
    add(&c, IPPROTO_IP, IP_TTL, &(int){9}, 4);
    add(&c, IPPROTO_IP, IP_TTL, &(int){11}, 4);
    add(&c, IPPROTO_IP, IP_TOS, &(int){0x28}, 4);
    loop("the last counts", &c);
}

CASE(cmsg_send_leaves_the_socket_alone) {
    int port, to = bound_udp(&port), fd = udp();
    on(to, IPPROTO_IP, IP_RECVTTL);
    struct control c = {.len = 0}, none = {.len = 0};
    add(&c, IPPROTO_IP, IP_TTL, &(int){9}, 4);
    TRY("with", send_with(fd, own_ip, port, &c));
    TRY("without", send_with(fd, own_ip, port, &none));
    get("with", to, 256, 0, port);
    get("without", to, 256, 0, port);
}

static struct in_pktinfo info(unsigned index, struct in_addr source) {
    return (struct in_pktinfo){.ipi_ifindex = (int)index, .ipi_spec_dst = source};
}

CASE(cmsg_send_pktinfo) {
    struct in_addr any = {0}, other = own_ip;
    other.s_addr ^= htonl(0x40);
    struct in_pktinfo p = info(0, any);
    one("nothing chosen", IPPROTO_IP, IP_PKTINFO, &p, sizeof p);
    p = info(0, own_ip);
    one("our address", IPPROTO_IP, IP_PKTINFO, &p, sizeof p);
    p = info(0, other);
    one("another's address", IPPROTO_IP, IP_PKTINFO, &p, sizeof p);
    p = info(0, peer_ip);
    one("the peer's", IPPROTO_IP, IP_PKTINFO, &p, sizeof p);
    p = info(9999, any);
    one("no such interface", IPPROTO_IP, IP_PKTINFO, &p, sizeof p);
    one("short", IPPROTO_IP, IP_PKTINFO, &p, 8);
}

/* The index that a receive tells is taken by a send: what a server with IP_PKTINFO does. */
CASE(cmsg_send_pktinfo_back) {
    int port, fd = bound_udp(&port);
    on(fd, IPPROTO_IP, IP_PKTINFO);
    close(tell_peer("udp", port, "hello"));
    sleep_until_readable(fd);
    char data[16], control[64];
    struct sockaddr_in from;
    struct iovec v = {data, sizeof data};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = sizeof control};
    TRY("receive", recvmsg(fd, &m, 0));
    v.iov_len = 5;
    TRY("answer", sendmsg(fd, &m, 0));
}

CASE(cmsg_send_mapped) {
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    struct sockaddr_in6 a = mapped(peer_ip, DISCARD);
    struct in6_pktinfo p = {.ipi6_ifindex = 0};
    struct sockaddr_in6 own = mapped(own_ip, 0);
    for (int i = 0; i < 2; i++) {
        struct control c = {.len = 0};
        if (i) p.ipi6_addr = own.sin6_addr;
        add(&c, IPPROTO_IPV6, IPV6_PKTINFO, &p, sizeof p);
        struct iovec v = {"hello", 5};
        struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &v, .msg_iovlen = 1, .msg_control = c.bytes,
                           .msg_controllen = c.len};
        TRY(i ? "our address" : "none", sendmsg(fd, &m, 0));
    }
}

CASE(cmsg_send_others) {
    int v[8] = {0};
    one("SCM_RIGHTS", SOL_SOCKET, SCM_RIGHTS, v, 4);
    one("SCM_RIGHTS of nothing", SOL_SOCKET, SCM_RIGHTS, v, 0);
    one("SCM_CREDENTIALS", SOL_SOCKET, SCM_CREDENTIALS, v, 12);
    one("SO_MARK", SOL_SOCKET, SO_MARK, v, 4);
    one("SO_MARK, short", SOL_SOCKET, SO_MARK, v, 2);
    one("SO_PRIORITY", SOL_SOCKET, SO_PRIORITY, v, 4);
    one("SO_TIMESTAMPING", SOL_SOCKET, SO_TIMESTAMPING, v, 4);
    one("SO_TIMESTAMPING, receive", SOL_SOCKET, SO_TIMESTAMPING, &(int){8}, 4);
    one("SCM_TXTIME", SOL_SOCKET, 61, v, 8);
    one("socket level, unknown", SOL_SOCKET, 4711, v, 4);
    one("IP level, unknown", IPPROTO_IP, 4711, v, 4);
    one("UDP level, unknown", IPPROTO_UDP, 4711, v, 4);
    one("another level", 4711, 1, v, 4);
    one("IP_RETOPTS, nothing", IPPROTO_IP, IP_RETOPTS, v, 0);
    one("IP_PROTOCOL", IPPROTO_IP, 52, &(int){17}, 4);
    one("IP_PROTOCOL 0", IPPROTO_IP, 52, v, 4);
    one("IPv6's", IPPROTO_IPV6, IPV6_HOPLIMIT, v, 4);
}

CASE(cmsg_send_malformed) {
    for (size_t len = 0; len < 40; len += 3) {
        struct control c = {.len = 0};
        add(&c, IPPROTO_IP, IP_TTL, &(int){9}, 4);
        memcpy(c.bytes, &len, sizeof len);
        TRY("length", send_with(udp(), peer_ip, DISCARD, &c));
        c.len = len;
        TRY("room", send_with(udp(), peer_ip, DISCARD, &c));
    }
}

CASE(cmsg_send_stream) {
    int fd = dial(DISCARD), v[3] = {0};
    struct { const char *what; int level, type; size_t len; } t[] = {
        {"SCM_RIGHTS", SOL_SOCKET, SCM_RIGHTS, 4}, {"SCM_CREDENTIALS", SOL_SOCKET, SCM_CREDENTIALS, 12}, {"unknown", SOL_SOCKET, 4711, 4},
        {"IP_TTL", IPPROTO_IP, IP_TTL, 4},         {"IP, unknown", IPPROTO_IP, 4711, 4},                 {"TCP", IPPROTO_TCP, 1, 4}};
    for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
        struct control c = {.len = 0};
        add(&c, t[i].level, t[i].type, v, t[i].len);
        TRY(t[i].what, send_with(fd, peer_ip, 0, &c));
    }
}
