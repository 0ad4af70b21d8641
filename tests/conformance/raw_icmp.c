/* Raw sockets for ICMP, and who may have one (raw(7), net/ipv4/raw.c, net/ipv4/af_inet.c). */
#include "case.h"
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/syscall.h>

#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
#define SOL_RAW 255

static int raw(int protocol) {
    int fd = socket(AF_INET, SOCK_RAW, protocol);
    if (fd < 0) printf("raw %d: %s\n", protocol, strerrorname_np(errno));
    return fd;
}

static uint16_t sum(const void *p, size_t n) {
    uint32_t s = 0;
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++) s += i & 1 ? b[i] : (uint32_t)b[i] << 8;
    while (s >> 16) s = (s & 0xffff) + (s >> 16);
    return htons((uint16_t)~s);
}

static void request(uint8_t *m, size_t n, int seq) {
    memset(m, 'a', n);
    struct icmphdr h = {.type = ICMP_ECHO, .un.echo = {htons(0x1234), htons((uint16_t)seq)}};
    memcpy(m, &h, sizeof h);
    h.checksum = sum(m, n);
    memcpy(m, &h, sizeof h);
}

static void limit(int fd, int ms) {
    struct timeval t = {ms / 1000, ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

/* The next ICMP message and its sender. */
static void show(const char *what, int fd) {
    uint8_t b[70000];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, b, sizeof b, 0, (void *)&from, &len);
    if (n < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    struct iphdr ip;
    memcpy(&ip, b, sizeof ip);
    struct icmphdr h;
    memcpy(&h, b + ip.ihl * 4, sizeof h);
    printf("%s: %zd bytes, version %d, total %d, protocol %d, ttl %d, fragment %x, type %d code %d id %x seq %d, from %s:%d, sum %s\n",
           what, n, ip.version, ntohs(ip.tot_len), ip.protocol, ip.ttl, ntohs(ip.frag_off) & 0x3fff, h.type, h.code,
           ntohs(h.un.echo.id), ntohs(h.un.echo.sequence), from.sin_addr.s_addr == peer_ip.s_addr ? "peer" : "other",
           ntohs(from.sin_port), sum(b + ip.ihl * 4, (size_t)n - ip.ihl * 4u) == 0 ? "good" : "bad");
}

CASE(raw_icmp_echo) {
    int fd = raw(IPPROTO_ICMP);
    uint8_t m[64];
    struct sockaddr_in to = at(peer_ip, 77);
    limit(fd, 2000);
    request(m, sizeof m, 1);
    TRY("send", sendto(fd, m, sizeof m, 0, (void *)&to, sizeof to));
    show("reply", fd);
    request(m, 8, 2);
    TRY("send the least", sendto(fd, m, 8, 0, (void *)&to, sizeof to));
    show("reply", fd);
    OK("connect", connect_to(fd, peer_ip, 0));
    request(m, sizeof m, 3);
    TRY("send connected", send(fd, m, sizeof m, 0));
    show("reply", fd);
    nonblocking(fd);
    ready("idle", fd);
    TRY("recv", recv(fd, m, sizeof m, 0));
}

CASE(raw_icmp_large) {
    int fd = raw(IPPROTO_ICMP), big = 200000;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &big, sizeof big);
    static uint8_t m[65600];
    struct sockaddr_in to = at(peer_ip, 0);
    limit(fd, 2000);
    request(m, 65515, 1);
    TRY("send 65515", sendto(fd, m, 65515, 0, (void *)&to, sizeof to));
    show("reply", fd);
    TRY("send 65516", sendto(fd, m, 65516, 0, (void *)&to, sizeof to));
    TRY("send 65535", sendto(fd, m, 65535, 0, (void *)&to, sizeof to));
    TRY("send 65536", sendto(fd, m, 65536, 0, (void *)&to, sizeof to));
    int mode = IP_PMTUDISC_DO;
    OK("do not fragment", setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode));
    TRY("send 1480", sendto(fd, m, 1480, 0, (void *)&to, sizeof to));
    TRY("send 1481", sendto(fd, m, 1481, 0, (void *)&to, sizeof to));
}

CASE(raw_icmp_short) {
    int fd = raw(IPPROTO_ICMP);
    struct sockaddr_in to = at(peer_ip, 0);
    TRY("nothing", sendto(fd, "", 0, 0, (void *)&to, sizeof to));
    TRY("one byte", sendto(fd, "\x08", 1, 0, (void *)&to, sizeof to));
    TRY("two bytes", sendto(fd, "\x08\x00", 2, 0, (void *)&to, sizeof to));
    int other = raw(89);
    TRY("nothing of another protocol", sendto(other, "", 0, 0, (void *)&to, sizeof to));
}

CASE(raw_icmp_filter) {
    int fd = raw(IPPROTO_ICMP), all = raw(IPPROTO_ICMP), udp = raw(IPPROTO_UDP);
    uint32_t mask = ~(1u << ICMP_DEST_UNREACH), got = 7;
    socklen_t len = sizeof got;
    uint8_t m[64];
    struct sockaddr_in to = at(peer_ip, 0);
    TRY("get", getsockopt(fd, SOL_RAW, ICMP_FILTER, &got, &len));
    say("filter", "%x, %u bytes", got, len);
    OK("set", setsockopt(fd, SOL_RAW, ICMP_FILTER, &mask, sizeof mask));
    OK("get", getsockopt(fd, SOL_RAW, ICMP_FILTER, &got, &len));
    say("filter", "%x", got);
    OK("on a raw UDP socket", setsockopt(udp, SOL_RAW, ICMP_FILTER, &mask, sizeof mask));
    OK("get there", getsockopt(udp, SOL_RAW, ICMP_FILTER, &got, &len));
    OK("another option", setsockopt(fd, SOL_RAW, 2, &mask, sizeof mask));
    OK("get another", getsockopt(fd, SOL_RAW, 2, &got, &len));
    uint8_t one = 0;
    OK("set one byte", setsockopt(fd, SOL_RAW, ICMP_FILTER, &one, 1));
    OK("get", getsockopt(fd, SOL_RAW, ICMP_FILTER, &got, &len));
    say("filter", "%x", got);
    OK("set", setsockopt(fd, SOL_RAW, ICMP_FILTER, &mask, sizeof mask));
    request(m, sizeof m, 1);
    TRY("send", sendto(all, m, sizeof m, 0, (void *)&to, sizeof to));
    limit(fd, 200);
    limit(all, 2000);
    show("without a filter", all);
    show("filtered", fd);
}

CASE(raw_icmp_unreachable) {
    /* What the peer says of a closed port reaches raw sockets, whoever asked for it. */
    int fd = raw(IPPROTO_ICMP), u = udp();
    struct sockaddr_in to = at(peer_ip, CLOSED);
    limit(fd, 2000);
    TRY("send", sendto(u, "x", 1, 0, (void *)&to, sizeof to));
    uint8_t b[256];
    ssize_t n = recv(fd, b, sizeof b, 0);
    say("error", "%zd bytes, type %d code %d", n, b[20], b[21]);
}

CASE(raw_names) {
    int fd = raw(89);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("getsockname", getsockname(fd, (void *)&a, &len));
    say("name", "%d %s:%d", a.sin_family, a.sin_addr.s_addr ? "some" : "any", ntohs(a.sin_port));
    OK("bind", bind_to(fd, own_ip, 5));
    OK("bind again", bind_to(fd, own_ip, 6));
    getsockname(fd, (void *)&a, &len);
    say("name", "%s:%d", a.sin_addr.s_addr == own_ip.s_addr ? "own" : "other", ntohs(a.sin_port));
    OK("bind to the peer's address", bind_to(fd, peer_ip, 0));
    a = at(own_ip, 0);
    a.sin_family = AF_UNSPEC;
    OK("bind with family 0", bind(fd, (void *)&a, sizeof a));
    OK("bind short", bind(fd, (void *)&a, 8));
    OK("getpeername", getpeername(fd, (void *)&a, &len));
    OK("connect", connect_to(fd, peer_ip, 0));
    OK("getpeername with port 0", getpeername(fd, (void *)&a, &len));
    OK("connect", connect_to(fd, peer_ip, 9));
    OK("getpeername", getpeername(fd, (void *)&a, &len));
    say("peer", "%s:%d", a.sin_addr.s_addr == peer_ip.s_addr ? "peer" : "other", ntohs(a.sin_port));
    OK("bind connected", bind_to(fd, own_ip, 0));
    a = (struct sockaddr_in){.sin_family = AF_UNSPEC};
    OK("dissolve", connect(fd, (void *)&a, sizeof a));
    len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("name", "%s:%d", a.sin_addr.s_addr ? "some" : "any", ntohs(a.sin_port));
    OK("listen", listen(fd, 1));
    OK("accept", accept(fd, NULL, NULL));
    OK("shutdown", shutdown(fd, SHUT_RD));
}

CASE(raw_socket_types) {
    int v;
    socklen_t len = sizeof v;
    OK("protocol 0", socket(AF_INET, SOCK_RAW, 0));
    OK("protocol 255", socket(AF_INET, SOCK_RAW, 255));
    OK("protocol 256", socket(AF_INET, SOCK_RAW, 256));
    OK("protocol 263", socket(AF_INET, SOCK_RAW, 263));
    OK("protocol -1", socket(AF_INET, SOCK_RAW, -1));
    OK("ICMPv6 over IPv4", socket(AF_INET, SOCK_RAW, 58));
    int fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 132);
    OK("SO_TYPE", getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
    say("type", "%d", v == SOCK_RAW);
    OK("SO_PROTOCOL", getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &v, &len));
    say("protocol", "%d", v);
    OK("SO_REUSEADDR", getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, &len));
    say("is on", "%d", v);
    say("flags", "%d %d", fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0, fcntl(fd, F_GETFD));
    char c;
    TRY("recv", recv(fd, &c, 1, 0));
    TRY("recv MSG_OOB", recv(fd, &c, 1, MSG_OOB));
    struct sockaddr_in to = at(peer_ip, 0);
    TRY("send MSG_OOB", sendto(fd, "x", 1, MSG_OOB, (void *)&to, sizeof to));
    TRY("send to nobody", send(fd, "x", 1, 0));
    to.sin_family = AF_INET6;
    TRY("send to IPv6", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    to.sin_family = AF_UNSPEC;
    TRY("send to family 0", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    TRY("send to half an address", sendto(fd, "x", 1, 0, (void *)&to, 8));
}

CASE(raw_needs_cap_net_raw) {
    struct { uint32_t version; int pid; } header = {0x20080522, 0};
    uint32_t data[6];
    syscall(SYS_capget, &header, data);
    data[0] &= ~(1u << 13);
    OK("drop it", syscall(SYS_capset, &header, data));
    OK("ICMP", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    OK("raw", socket(AF_INET, SOCK_RAW, 255));
    OK("no such protocol", socket(AF_INET, SOCK_RAW, 0));
    OK("UDP is for all", udp());
    data[0] |= 1u << 13;
    OK("take it back", syscall(SYS_capset, &header, data));
    OK("ICMP", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
}

CASE(raw_recvfrom_cut) {
    int fd = raw(IPPROTO_ICMP);
    uint8_t m[64], small[24];
    struct sockaddr_in to = at(peer_ip, 0);
    request(m, sizeof m, 1);
    for (int i = 0; i < 3; i++) sendto(fd, m, sizeof m, 0, (void *)&to, sizeof to);
    settle();
    int n;
    TRY("FIONREAD", ioctl(fd, FIONREAD, &n));
    say("next", "%d", n);
    TRY("peek", recv(fd, small, sizeof small, MSG_PEEK));
    TRY("peek, true length", recv(fd, small, sizeof small, MSG_PEEK | MSG_TRUNC));
    TRY("take, true length", recv(fd, small, sizeof small, MSG_TRUNC));
    struct iovec v = {small, sizeof small};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
    TRY("recvmsg", recvmsg(fd, &h, 0));
    say("flags", "%x", h.msg_flags);
    TRY("read", read(fd, m, sizeof m));
    nonblocking(fd);
    TRY("read", read(fd, m, sizeof m));
}
