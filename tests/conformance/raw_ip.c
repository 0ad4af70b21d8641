/* Raw sockets for UDP, TCP and other protocols, IP_HDRINCL and IPPROTO_RAW (raw(7), net/ipv4/raw.c). */
#include "case.h"
#include <netinet/ip.h>
#include <netinet/udp.h>

static int raw(int protocol) {
    int fd = socket(AF_INET, SOCK_RAW, protocol);
    struct timeval t = {2, 0};
    if (fd < 0) printf("raw %d: %s\n", protocol, strerrorname_np(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    return fd;
}

static void quick(int fd) {
    struct timeval t = {0, 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static struct iphdr ip_of(const uint8_t *b) {
    struct iphdr ip;
    memcpy(&ip, b, sizeof ip);
    return ip;
}

static const char *who(uint32_t a) {
    return a == own_ip.s_addr ? "own" : a == peer_ip.s_addr ? "peer" : a ? "other" : "none";
}

static void show(const char *what, int fd) {
    uint8_t b[70000];
    ssize_t n = recv(fd, b, sizeof b, 0);
    if (n < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    struct iphdr ip = ip_of(b);
    int at = ip.ihl * 4;
    printf("%s: %zd bytes, total %d, tos %x, ttl %d, protocol %d, %s to %s, payload '%.*s'\n", what, n, ntohs(ip.tot_len), ip.tos,
           ip.ttl, ip.protocol, who(ip.saddr), who(ip.daddr), n - at > 24 ? 0 : (int)n - at, b + at);
}

/* A packet for a UDP port of the peer. */
static size_t packet(uint8_t *b, uint32_t src, uint16_t from, uint16_t to, const char *text) {
    size_t n = strlen(text);
    struct udphdr u = {.source = htons(from), .dest = htons(to), .len = htons((uint16_t)(8 + n))};
    struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 33, .protocol = IPPROTO_UDP, .saddr = src, .daddr = peer_ip.s_addr};
    memcpy(b, &ip, 20);
    memcpy(b + 20, &u, 8);
    memcpy(b + 28, text, n);
    return 28 + n;
}

static int bound_udp(int *port) {
    int u = udp();
    struct sockaddr_in a = at(own_ip, 0);
    socklen_t len = sizeof a;
    bind(u, (void *)&a, sizeof a);
    getsockname(u, (void *)&a, &len);
    *port = ntohs(a.sin_port);
    struct timeval t = {2, 0};
    setsockopt(u, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    return u;
}

CASE(raw_udp_copy) {
    /* A datagram goes to its socket and, with its headers, to every raw socket. */
    int port, u = bound_udp(&port), a = raw(IPPROTO_UDP), b = raw(IPPROTO_UDP);
    char c[32];
    struct sockaddr_in to = at(peer_ip, ECHO_PORT);
    TRY("send", sendto(u, "hello", 5, 0, (void *)&to, sizeof to));
    TRY("the socket", recv(u, c, sizeof c, 0));
    uint8_t m[100];
    for (int i = 0; i < 2; i++) {
        ssize_t n = recv(i ? b : a, m, sizeof m, 0);
        struct udphdr h;
        memcpy(&h, m + 20, 8);
        say("a raw socket", "%zd bytes, %d to %s, length %d, '%.5s'", n, ntohs(h.source), ntohs(h.dest) == port ? "the port" : "another",
            ntohs(h.len), m + 28);
    }
    /* What we send ourselves to others is not copied. */
    quick(a);
    TRY("send", sendto(u, "x", 1, 0, (void *)&to, sizeof to));
    settle();
    ssize_t n = recv(a, m, sizeof m, 0);
    say("first copy", "%zd from %s", n, who(ip_of(m).saddr));
    TRY("second", recv(a, m, sizeof m, 0));
}

CASE(raw_udp_without_header) {
    /* Without IP_HDRINCL the payload is ours: a UDP header by hand. */
    int port, u = bound_udp(&port), r = raw(IPPROTO_UDP);
    struct sockaddr_in to = at(peer_ip, 9);
    struct udphdr h = {.source = htons((uint16_t)port), .dest = htons(ECHO_PORT), .len = htons(11)};
    uint8_t m[11];
    memcpy(m, &h, 8);
    memcpy(m + 8, "abc", 3);
    TRY("send", sendto(r, m, sizeof m, 0, (void *)&to, sizeof to));
    char c[32] = "";
    TRY("echo", recv(u, c, sizeof c, 0));
    say("text", "%s", c);
}

CASE(raw_protocol_89) {
    int fd = raw(89), other = raw(90);
    int c = tell_peer("raw", 89, "hello");
    show("protocol 89", fd);
    quick(other);
    show("protocol 90", other);
    close(c);
    int ttl = 7, tos = 0x20;
    OK("IP_TTL", setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
    OK("IP_TOS", setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos));
    struct sockaddr_in to = at(own_ip, 0);
    TRY("send to ourselves", sendto(fd, "me", 2, 0, (void *)&to, sizeof to));
    show("ourselves", fd);
}

CASE(raw_filters) {
    /* bind and connect say what is heard. */
    int any = raw(89), bound = raw(89), connected = raw(89), elsewhere = raw(89);
    OK("bind", bind_to(bound, own_ip, 0));
    OK("connect to the peer", connect_to(connected, peer_ip, 0));
    struct in_addr third = peer_ip;
    third.s_addr = htonl(ntohl(peer_ip.s_addr) + 98);
    OK("connect to somebody else", connect_to(elsewhere, third, 0));
    int c = tell_peer("raw", 89, "x");
    show("any", any);
    show("bound", bound);
    show("connected", connected);
    quick(elsewhere);
    show("connected elsewhere", elsewhere);
    close(c);
}

CASE(raw_hdrincl_send) {
    int port, u = bound_udp(&port), r = raw(IPPROTO_RAW), v = 0;
    socklen_t len = sizeof v;
    OK("IP_HDRINCL", getsockopt(r, IPPROTO_IP, IP_HDRINCL, &v, &len));
    say("value", "%d", v);
    uint8_t b[2000];
    char c[32] = "";
    struct sockaddr_in to = at(peer_ip, 0);
    size_t n = packet(b, 0, (uint16_t)port, ECHO_PORT, "source and checksum filled in");
    TRY("send", sendto(r, b, n, 0, (void *)&to, sizeof to));
    TRY("echo", recv(u, c, sizeof c, 0));
    n = packet(b, own_ip.s_addr, (uint16_t)port, ECHO_PORT, "wrong length");
    b[2] = 99;
    b[10] = 99;
    TRY("send", sendto(r, b, n, 0, (void *)&to, sizeof to));
    TRY("echo", recv(u, c, sizeof c, 0));
    OK("connect", connect_to(r, peer_ip, 0));
    TRY("send connected", send(r, b, n, 0));
    TRY("echo", recv(u, c, sizeof c, 0));
    quick(r);
    TRY("it hears nothing", recv(r, c, sizeof c, 0));
}

CASE(raw_hdrincl_errors) {
    int r = raw(IPPROTO_RAW);
    static uint8_t b[70000];
    struct sockaddr_in to = at(peer_ip, 0);
    packet(b, 0, 1, 2, "");
    TRY("nothing", sendto(r, b, 0, 0, (void *)&to, sizeof to));
    TRY("19 bytes", sendto(r, b, 19, 0, (void *)&to, sizeof to));
    TRY("20 bytes", sendto(r, b, 20, 0, (void *)&to, sizeof to));
    TRY("1500 bytes", sendto(r, b, 1500, 0, (void *)&to, sizeof to));
    TRY("1501 bytes", sendto(r, b, 1501, 0, (void *)&to, sizeof to));
    TRY("65536 bytes", sendto(r, b, 65536, 0, (void *)&to, sizeof to));
    b[0] = 0x4f;
    TRY("a header longer than the packet", sendto(r, b, 40, 0, (void *)&to, sizeof to));
    b[0] = 0x44;
    TRY("a header too short", sendto(r, b, 40, 0, (void *)&to, sizeof to));
    b[0] = 0x65;
    TRY("version 6", sendto(r, b, 40, 0, (void *)&to, sizeof to));
    TRY("nobody", send(r, b, 40, 0));
}

CASE(raw_hdrincl_option) {
    int fd = raw(89), u = udp(), t = tcp(), v = 5;
    socklen_t len = sizeof v;
    int fds[] = {fd, u, t};
    for (int i = 0; i < 3; i++) {
        len = sizeof v;
        v = 5;
        OK("get", getsockopt(fds[i], IPPROTO_IP, IP_HDRINCL, &v, &len));
        say("value", "%d", v);
        v = 3;
        OK("set", setsockopt(fds[i], IPPROTO_IP, IP_HDRINCL, &v, sizeof v));
        OK("get", getsockopt(fds[i], IPPROTO_IP, IP_HDRINCL, &v, &len));
        say("value", "%d", v);
    }
    v = 0;
    OK("off", setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &v, sizeof v));
    struct sockaddr_in to = at(own_ip, 0);
    TRY("send", sendto(fd, "plain", 5, 0, (void *)&to, sizeof to));
    show("ourselves", fd);
    int own = raw(IPPROTO_RAW);
    OK("IPPROTO_RAW off", setsockopt(own, IPPROTO_IP, IP_HDRINCL, &v, sizeof v));
    TRY("send", sendto(own, "plain", 5, 0, (void *)&to, sizeof to));
    show("ourselves", own);
}

CASE(raw_hdrincl_ourselves) {
    /* What the kernel fills in, seen at our own end. */
    int r = raw(IPPROTO_RAW), fd = raw(89);
    uint8_t b[100] = {0};
    struct iphdr ip = {.version = 4, .ihl = 6, .tos = 8, .ttl = 3, .protocol = 89, .daddr = own_ip.s_addr};
    memcpy(b, &ip, 20);
    b[20] = b[21] = b[22] = 1;
    memcpy(b + 24, "options", 7);
    struct sockaddr_in to = at(own_ip, 0);
    TRY("send", sendto(r, b, 31, 0, (void *)&to, sizeof to));
    show("received", fd);
    ip.ihl = 5;
    ip.saddr = own_ip.s_addr;
    ip.id = htons(0x1234);
    memcpy(b, &ip, 20);
    memcpy(b + 20, "fixed", 5);
    TRY("send", sendto(r, b, 25, 0, (void *)&to, sizeof to));
    ssize_t n = recv(fd, b, sizeof b, 0);
    ip = ip_of(b);
    say("received", "%zd bytes, id %x, fragment %x", n, ntohs(ip.id), ntohs(ip.frag_off));
}

CASE(raw_tcp) {
    /* A raw TCP socket sees segments; the stack itself answers those that belong to nobody. */
    int r = raw(IPPROTO_TCP), t = tcp();
    OK("connect to a closed port", connect_to(t, peer_ip, CLOSED));
    uint8_t b[100];
    ssize_t n = recv(r, b, sizeof b, 0);
    say("reset", "%zd bytes, flags %x, from %d", n, b[33], b[20] << 8 | b[21]);
    int c = tell_peer("close", 4321, "x");
    char text[64] = "";
    read_all(c, text, sizeof text - 1);
    say("the peer's attempt", "%.15s", text);
    /* Its SYN was copied to us all the same. Segments of the command connection are here too. */
    quick(r);
    int seen = 0;
    while (recv(r, b, sizeof b, 0) > 0)
        if ((b[22] << 8 | b[23]) == 4321 && b[33] == 0xc2) seen |= 1;
        else if ((b[22] << 8 | b[23]) == 4321 && (b[33] & 0x12) == 2) seen |= 1;
    say("its SYN", "%d", seen);
}

CASE(raw_msg_more) {
    int fd = raw(89);
    struct sockaddr_in to = at(own_ip, 0);
    TRY("first", sendto(fd, "ab", 2, MSG_MORE, (void *)&to, sizeof to));
    TRY("second", sendto(fd, "cd", 2, MSG_MORE, (void *)&to, sizeof to));
    TRY("last", sendto(fd, "ef", 2, 0, (void *)&to, sizeof to));
    show("received", fd);
}

CASE(raw_broadcast) {
    int fd = raw(89), on = 1;
    struct sockaddr_in to = at((struct in_addr){INADDR_BROADCAST}, 0);
    TRY("without SO_BROADCAST", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    OK("connect", connect(fd, (void *)&to, sizeof to));
    OK("SO_BROADCAST", setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on));
    TRY("with it", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    OK("bind to it", bind_to(fd, to.sin_addr, 0));
}

CASE(raw_cmsg) {
    int fd = raw(89), on = 1;
    OK("IP_PKTINFO", setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on));
    OK("IP_RECVTTL", setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof on));
    int c = tell_peer("raw", 89, "hello");
    char b[64], control[256];
    struct iovec v = {b, sizeof b};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    TRY("recvmsg", recvmsg(fd, &h, 0));
    for (struct cmsghdr *m = CMSG_FIRSTHDR(&h); m; m = CMSG_NXTHDR(&h, m)) {
        struct in_pktinfo p;
        int ttl;
        if (m->cmsg_type == IP_PKTINFO) {
            memcpy(&p, CMSG_DATA(m), sizeof p);
            say("pktinfo", "%s %s", who(p.ipi_addr.s_addr), who(p.ipi_spec_dst.s_addr));
        } else {
            memcpy(&ttl, CMSG_DATA(m), sizeof ttl);
            say("message", "%d: %d", m->cmsg_type, ttl);
        }
    }
    close(c);
}

CASE(raw_error_queue) {
    int fd = raw(IPPROTO_UDP), on = 1;
    OK("IP_RECVERR", setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on));
    struct sockaddr_in to = at(peer_ip, 0);
    struct udphdr u = {.source = htons(4000), .dest = htons(CLOSED), .len = htons(8)};
    TRY("send to a closed port", sendto(fd, &u, 8, 0, (void *)&to, sizeof to));
    settle();
    struct pollfd p = {fd, 0, 0};
    TRY("poll", poll(&p, 1, 1000));
    say("ready", "%s", bits(p.revents));
    say("SO_ERROR", "%d", pending_error(fd));
    char b[64], control[256];
    struct iovec v = {b, sizeof b};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    TRY("the error", recvmsg(fd, &h, MSG_ERRQUEUE));
    OK("connect", connect_to(fd, peer_ip, 0));
    int off = 0;
    OK("IP_RECVERR off", setsockopt(fd, IPPROTO_IP, IP_RECVERR, &off, sizeof off));
    TRY("send", send(fd, &u, 8, 0));
    settle();
    say("SO_ERROR", "%d", pending_error(fd));
}

CASE(raw_dissolved) {
    /* Dissolving an association takes a raw socket out of the table of its protocol: it hears nothing more. */
    int fd = raw(89);
    struct sockaddr_in none = {.sin_family = AF_UNSPEC}, to = at(own_ip, 0);
    OK("connect", connect_to(fd, own_ip, 0));
    TRY("send", send(fd, "x", 1, 0));
    show("connected", fd);
    OK("dissolve", connect(fd, (void *)&none, sizeof none));
    quick(fd);
    TRY("send", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    show("dissolved", fd);
    int other = raw(89);
    TRY("send", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    show("another socket", other);
}
