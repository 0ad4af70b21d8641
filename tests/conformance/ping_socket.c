/* Ping sockets: SOCK_DGRAM with IPPROTO_ICMP (icmp(7), net/ipv4/ping.c). Who may have one is a setting of the kernel
 * (net.ipv4.ping_group_range), so each case allows it first. */
#include "case.h"
#include <grp.h>
#include <netinet/ip_icmp.h>

static int ping(void) {
    int s = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
    if (s >= 0 && write(s, "0 2147483647", 12) < 0) printf("ping_group_range: %s\n", strerrorname_np(errno));
    close(s);
    int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    struct timeval t = {2, 0};
    if (fd < 0) printf("socket: %s\n", strerrorname_np(errno));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    return fd;
}

static void request(uint8_t *m, size_t n, int seq) {
    memset(m, 'p', n);
    struct icmphdr h = {.type = ICMP_ECHO, .checksum = 0x1234, .un.echo = {htons(0x5678), htons((uint16_t)seq)}};
    memcpy(m, &h, sizeof h);
}

static void show(const char *what, int fd) {
    uint8_t b[70000];
    struct sockaddr_in from, own;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, b, sizeof b, 0, (void *)&from, &len);
    if (n < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    struct icmphdr h;
    memcpy(&h, b, sizeof h);
    len = sizeof own;
    getsockname(fd, (void *)&own, &len);
    printf("%s: %zd bytes, type %d, seq %d, %s identifier, from %s:%d\n", what, n, h.type, ntohs(h.un.echo.sequence),
           h.un.echo.id == own.sin_port ? "the socket's" : "another", from.sin_addr.s_addr == peer_ip.s_addr ? "peer" : "other",
           ntohs(from.sin_port));
}

/* Who may (icmp(7)): a group in the range; root is not asked for more or less. */
CASE(ping_group_range) {
    static const char *ranges[] = {"1 0", "0 0", "1 1", "0 2147483647", "4711 4712"};
    for (unsigned i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        int s = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY);
        if (write(s, ranges[i], strlen(ranges[i])) < 0) say("write", "%s", strerrorname_np(errno));
        close(s);
        gid_t groups[] = {4712};
        say("range", "%s", ranges[i]);
        OK("group 0", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
        OK("setgroups", setgroups(1, groups));
        OK("and 4712", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
        OK("setgroups", setgroups(0, groups));
        OK("setegid", setegid(1));
        OK("group 1", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
        OK("setegid", setegid(0));
    }
}

CASE(ping_echo) {
    int fd = ping();
    uint8_t m[64];
    struct sockaddr_in to = at(peer_ip, 99), a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("unbound", "%d", ntohs(a.sin_port));
    request(m, sizeof m, 1);
    TRY("send", sendto(fd, m, sizeof m, 0, (void *)&to, sizeof to));
    show("reply", fd);
    getsockname(fd, (void *)&a, &len);
    say("bound", "%d", a.sin_port != 0);
    OK("connect", connect_to(fd, peer_ip, 5));
    OK("getpeername", getpeername(fd, (void *)&a, &len));
    say("peer's port", "%d", ntohs(a.sin_port));
    request(m, sizeof m, 2);
    TRY("send connected", send(fd, m, sizeof m, 0));
    show("reply", fd);
    TRY("write", write(fd, m, 8));
    show("reply", fd);
    nonblocking(fd);
    ready("idle", fd);
    TRY("recv", recv(fd, m, sizeof m, 0));
    TRY("recv MSG_OOB", recv(fd, m, sizeof m, MSG_OOB));
}

CASE(ping_what_may_be_sent) {
    int fd = ping();
    static uint8_t m[65600];
    struct sockaddr_in to = at(peer_ip, 0);
    request(m, sizeof m, 1);
    TRY("seven bytes", sendto(fd, m, 7, 0, (void *)&to, sizeof to));
    TRY("eight bytes", sendto(fd, m, 8, 0, (void *)&to, sizeof to));
    m[1] = 1;
    TRY("code 1", sendto(fd, m, 64, 0, (void *)&to, sizeof to));
    m[1] = 0;
    m[0] = ICMP_ECHOREPLY;
    TRY("a reply", sendto(fd, m, 64, 0, (void *)&to, sizeof to));
    m[0] = ICMP_TIMESTAMP;
    TRY("a timestamp", sendto(fd, m, 64, 0, (void *)&to, sizeof to));
    m[0] = ICMP_ECHO;
    TRY("MSG_OOB", sendto(fd, m, 64, MSG_OOB, (void *)&to, sizeof to));
    TRY("to nobody", send(fd, m, 64, 0));
    TRY("65515 bytes", sendto(fd, m, 65515, 0, (void *)&to, sizeof to));
    TRY("65516 bytes", sendto(fd, m, 65516, 0, (void *)&to, sizeof to));
    TRY("65536 bytes", sendto(fd, m, 65536, 0, (void *)&to, sizeof to));
    to.sin_family = AF_INET6;
    TRY("another family", sendto(fd, m, 64, 0, (void *)&to, sizeof to));
    to.sin_family = AF_UNSPEC;
    TRY("family 0", sendto(fd, m, 64, 0, (void *)&to, sizeof to));
    int mode = IP_PMTUDISC_DO;
    to.sin_family = AF_INET;
    OK("do not fragment", setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode));
    TRY("1480 bytes", sendto(fd, m, 1480, 0, (void *)&to, sizeof to));
    TRY("1481 bytes", sendto(fd, m, 1481, 0, (void *)&to, sizeof to));
}

CASE(ping_bind) {
    int fd = ping(), other = ping();
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    OK("bind", bind_to(fd, own_ip, 321));
    OK("again", bind_to(fd, own_ip, 322));
    OK("the same identifier", bind_to(other, (struct in_addr){INADDR_ANY}, 321));
    OK("the peer's address", bind_to(other, peer_ip, 5));
    a = at((struct in_addr){INADDR_ANY}, 5);
    a.sin_family = AF_UNSPEC;
    OK("family 0", bind(other, (void *)&a, sizeof a));
    a.sin_family = AF_INET6;
    OK("IPv6", bind(ping(), (void *)&a, sizeof a));
    OK("short", bind(ping(), (void *)&a, 8));
    getsockname(fd, (void *)&a, &len);
    say("name", "%s:%d", a.sin_addr.s_addr == own_ip.s_addr ? "own" : "other", ntohs(a.sin_port));
    uint8_t m[64];
    request(m, sizeof m, 4);
    struct sockaddr_in to = at(peer_ip, 0);
    TRY("send", sendto(fd, m, sizeof m, 0, (void *)&to, sizeof to));
    show("reply", fd);
    int on = 1, third = ping();
    setsockopt(third, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    OK("SO_REUSEADDR on one", bind_to(third, own_ip, 321));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    OK("on both", bind_to(third, own_ip, 321));
}

CASE(ping_other_calls) {
    int fd = ping(), n;
    struct sockaddr_in a;
    socklen_t len = sizeof n;
    OK("listen", listen(fd, 1));
    OK("accept", accept(fd, NULL, NULL));
    OK("SO_TYPE", getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &len));
    say("type", "%d", n == SOCK_DGRAM);
    OK("SO_PROTOCOL", getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &n, &len));
    say("protocol", "%d", n);
    TRY("FIONREAD", ioctl(fd, FIONREAD, &n));
    uint32_t mask = 0;
    OK("ICMP_FILTER", setsockopt(fd, 255, 1, &mask, sizeof mask));
    OK("get it", getsockopt(fd, 255, 1, &mask, &len));
    n = 1;
    OK("IP_HDRINCL", setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &n, sizeof n));
    OK("connect to port 0", connect_to(fd, peer_ip, 0));
    len = sizeof a;
    OK("getpeername", getpeername(fd, (void *)&a, &len));
    a = (struct sockaddr_in){.sin_family = AF_UNSPEC};
    OK("dissolve", connect(fd, (void *)&a, sizeof a));
    OK("getpeername", getpeername(fd, (void *)&a, &len));
    OK("shutdown", shutdown(fd, SHUT_WR));
    OK("broadcast", connect_to(fd, (struct in_addr){INADDR_BROADCAST}, 0));
}
