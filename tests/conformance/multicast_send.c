/* Sending to groups and to broadcast addresses: TTL, loop, IP_MULTICAST_IF, IP_MULTICAST_ALL, SO_BROADCAST (ip(7), socket(7)). */
#include "case.h"
#include <net/if.h>

static const char *GROUP = "239.192.9.1";

static struct in_addr ip(const char *s) { return (struct in_addr){inet_addr(s)}; }

static int join(int fd, const char *group) {
    struct ip_mreq m = {ip(group), own_ip};
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
}

static int bound(int port) {
    int fd = udp(), on = 1;
    struct timeval t = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    bind_to(fd, (struct in_addr){INADDR_ANY}, port);
    return fd;
}

static void quick(int fd) {
    struct timeval t = {0, 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

static long to(int fd, const char *group, int port, const char *text) {
    struct sockaddr_in a = at(ip(group), port);
    return sendto(fd, text, strlen(text), 0, (void *)&a, sizeof a);
}

static void show(const char *what, int fd) {
    char b[2000];
    ssize_t n = recv(fd, b, sizeof b - 1, 0);
    b[n > 0 ? n : 0] = 0;
    printf("%s: %s\n", what, n < 0 ? strerrorname_np(errno) : b);
}

static void set(const char *what, int fd, int name, int value, socklen_t len) {
    int got = 77;
    socklen_t room = sizeof got;
    char line[80];
    snprintf(line, sizeof line, "%s = %d (%u bytes)", what, value, len);
    OK(line, setsockopt(fd, IPPROTO_IP, name, &value, len));
    if (getsockopt(fd, IPPROTO_IP, name, &got, &room) == 0) say(what, "%d, %u bytes", got, room);
    else say(what, "%s", strerrorname_np(errno));
}

/* What the peer hears in the group. */
static void peer_hears(const char *what, int fd, const char *group, const char *text) {
    int c = tell_peer("hear", 7450, group);
    char line[100] = "", q;
    read_all(c, &q, 1);
    TRY(what, to(fd, group, 7450, text));
    read_all(c, line, sizeof line - 1);
    say("the peer hears", "%s", line);
    close(c);
}

CASE(multicast_options) {
    int fd = udp(), t = tcp();
    for (int i = 0; i < 2; i++) {
        int s = i ? t : fd;
        set("TTL", s, IP_MULTICAST_TTL, 5, 4);
        set("TTL", s, IP_MULTICAST_TTL, 0, 4);
        set("TTL", s, IP_MULTICAST_TTL, 255, 1);
        set("TTL", s, IP_MULTICAST_TTL, 256, 4);
        set("TTL", s, IP_MULTICAST_TTL, -1, 4);
        set("TTL", s, IP_MULTICAST_TTL, 9, 0);
        set("LOOP", s, IP_MULTICAST_LOOP, 0, 4);
        set("LOOP", s, IP_MULTICAST_LOOP, 9, 1);
        set("LOOP", s, IP_MULTICAST_LOOP, 1, 0);
        set("ALL", s, IP_MULTICAST_ALL, 0, 4);
        set("ALL", s, IP_MULTICAST_ALL, 2, 4);
        set("ALL", s, IP_MULTICAST_ALL, 1, 1);
    }
    unsigned char byte = 9;
    socklen_t len = 1;
    OK("one byte of TTL", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &byte, &len));
    say("TTL", "%d, %u", byte, len);
}

CASE(multicast_if) {
    int fd = udp();
    struct in_addr got = {1}, any = {0}, foreign = ip("10.88.45.77");
    socklen_t len = sizeof got;
    OK("get", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &got, &len));
    say("interface", "%s, %u", got.s_addr ? "some" : "none", len);
    OK("own address", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &own_ip, sizeof own_ip));
    OK("get", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &got, &len));
    say("interface", "%s", got.s_addr == own_ip.s_addr ? "own" : "another");
    OK("foreign address", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &foreign, sizeof foreign));
    OK("three bytes", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &own_ip, 3));
    unsigned n = if_nametoindex("matnet0");
    struct ip_mreqn m = {{0}, {0}, (int)(n ? n : if_nametoindex("veth0"))};
    OK("by index", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m));
    OK("get", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &got, &len));
    say("interface", "%s", got.s_addr ? "some" : "none");
    m.imr_ifindex = 9999;
    OK("no such index", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m, sizeof m));
    struct ip_mreq r = {ip(GROUP), own_ip};
    OK("ip_mreq", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &r, sizeof r));
    OK("none", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &any, sizeof any));
    OK("get", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &got, &len));
    say("interface", "%s", got.s_addr ? "some" : "none");
    OK("a stream", setsockopt(tcp(), IPPROTO_IP, IP_MULTICAST_IF, &own_ip, sizeof own_ip));
}

CASE(multicast_reaches_the_peer) {
    int fd = udp(), ttl = 7;
    peer_hears("send", fd, GROUP, "news");
    OK("TTL", setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl));
    peer_hears("send", fd, GROUP, "far");
    OK("connect", connect_to(fd, ip(GROUP), 7450));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("our address", "%s", a.sin_addr.s_addr == own_ip.s_addr ? "own" : "another");
    ttl = 0;
    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl);
    TRY("TTL 0", send(fd, "home", 4, 0));
}

CASE(multicast_loop) {
    int sender = udp(), member = bound(7451), off = 0, on = 1;
    quick(member);
    OK("join", join(member, GROUP));
    TRY("send", to(sender, GROUP, 7451, "one"));
    show("looped", member);
    OK("no loop", setsockopt(sender, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off));
    TRY("send", to(sender, GROUP, 7451, "two"));
    show("not looped", member);
    OK("the receiver's setting", setsockopt(member, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof off));
    OK("loop", setsockopt(sender, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof on));
    TRY("send", to(sender, GROUP, 7451, "three"));
    show("counts for nothing", member);
    int ttl = 0;
    OK("TTL 0", setsockopt(sender, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl));
    TRY("send", to(sender, GROUP, 7451, "four"));
    show("heard here", member);
}

CASE(multicast_to_all_members) {
    /* Every socket of the port that matches gets a copy; without a membership too, while IP_MULTICAST_ALL is on. */
    int sender = udp(), a = bound(7452), b = bound(7452), c = bound(7452), off = 0;
    int fds[] = {a, b, c};
    for (int i = 0; i < 3; i++) quick(fds[i]);
    OK("a joins", join(a, GROUP));
    OK("c wants its own only", setsockopt(c, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off));
    TRY("send", to(sender, GROUP, 7452, "news"));
    show("a", a);
    show("b", b);
    show("c", c);
    OK("c joins", join(c, GROUP));
    close(a);
    TRY("send", to(sender, GROUP, 7452, "more"));
    show("b", b);
    show("c", c);
}

CASE(multicast_bound_to_group) {
    int fd = udp(), other = udp(), sender = udp(), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    quick(fd);
    quick(other);
    OK("bind to the group", bind_to(fd, ip(GROUP), 7453));
    OK("bind to another", bind_to(other, ip("239.192.9.2"), 7453));
    OK("join", join(fd, GROUP));
    TRY("send", to(sender, GROUP, 7453, "news"));
    show("bound to it", fd);
    show("bound to another", other);
    struct sockaddr_in a = at(own_ip, 7453);
    TRY("unicast", sendto(sender, "x", 1, 0, (void *)&a, sizeof a));
    show("does not match", fd);
    char b[8];
    socklen_t len = sizeof a;
    int receiver = bound(7454);
    quick(receiver);
    a = at(own_ip, 7454);
    TRY("send from it", sendto(fd, "y", 1, 0, (void *)&a, sizeof a));
    TRY("received", recvfrom(receiver, b, sizeof b, 0, (void *)&a, &len));
    say("from", "%s:%d", a.sin_addr.s_addr == own_ip.s_addr ? "own" : "another", ntohs(a.sin_port));
    OK("a stream", bind_to(tcp(), ip(GROUP), 7455));
    OK("a stream connects", connect_to(tcp(), ip(GROUP), 7455));
}

CASE(broadcast_needs_permission) {
    int fd = udp(), on = 1;
    const char *where[] = {"255.255.255.255", "10.88.45.255"};
    for (int i = 0; i < 2; i++) {
        TRY("send", to(fd, where[i], 7460, "x"));
        OK("connect", connect_to(fd, ip(where[i]), 7460));
    }
    OK("SO_BROADCAST", setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on));
    for (int i = 0; i < 2; i++) {
        TRY("send", to(fd, where[i], 7460, "x"));
        OK("connect", connect_to(fd, ip(where[i]), 7460));
    }
    OK("a stream", connect_to(tcp(), ip("10.88.45.255"), 7460));
    OK("bind a stream", bind_to(tcp(), ip("10.88.45.255"), 7461));
    OK("bind a datagram socket", bind_to(udp(), ip("10.88.45.255"), 7461));
}

CASE(broadcast_is_heard) {
    int a = bound(7462), b = bound(7462), own = udp(), on = 1;
    setsockopt(own, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    OK("bind to our address", bind_to(own, own_ip, 7462));
    quick(own);
    close(tell_peer("to", 7462, "10.88.45.255 directed"));
    show("a", a);
    show("b", b);
    show("bound to our address", own);
    close(tell_peer("to", 7462, "255.255.255.255 limited"));
    show("a", a);
    show("b", b);
    int sender = udp();
    setsockopt(sender, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    TRY("our own", to(sender, "10.88.45.255", 7462, "own"));
    show("a", a);
    show("b", b);
}
