/* Multicast: memberships, source filters, what is heard, and the options for sending (ip(7), RFC 3678). */
#include "case.h"
#include <net/if.h>

static const char *GROUP = "239.192.7.1";

static struct in_addr ip(const char *s) { return (struct in_addr){inet_addr(s)}; }
/* The device's name differs: ours is matnet0, whose other end the bridge has. */
static unsigned device(void) {
    unsigned n = if_nametoindex("matnet0");
    return n ? n : if_nametoindex("veth0");
}

static int membership(int fd, int name, const char *group, struct in_addr at) {
    struct ip_mreq m = {ip(group), at};
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof m);
}

static int source(int fd, int name, const char *group, struct in_addr from) {
    struct ip_mreq_source m = {.imr_multiaddr = ip(group), .imr_interface = own_ip, .imr_sourceaddr = from};
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof m);
}

static int bound(int port) {
    int fd = udp(), on = 1;
    struct timeval t = {2, 0};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    if (bind_to(fd, (struct in_addr){INADDR_ANY}, port) < 0) printf("bind: %s\n", strerrorname_np(errno));
    return fd;
}

static void quick(int fd) {
    struct timeval t = {0, 250000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
}

/* The peer sends to a group (or a broadcast address). */
static void peer_sends(const char *group, int port, const char *text) {
    char rest[100];
    snprintf(rest, sizeof rest, "%s %s", group, text);
    close(tell_peer("to", port, rest));
}

static void show(const char *what, int fd) {
    char b[2000];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    ssize_t n = recvfrom(fd, b, sizeof b - 1, 0, (void *)&from, &len);
    if (n < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    b[n] = 0;
    printf("%s: '%s' from %s\n", what, b,
           from.sin_addr.s_addr == peer_ip.s_addr ? "the peer" : from.sin_addr.s_addr == own_ip.s_addr ? "ourselves" : "others");
}

CASE(multicast_join_and_leave) {
    int fd = bound(7400);
    quick(fd);
    peer_sends(GROUP, 7400, "before");
    show("not joined", fd);
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    OK("again", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    settle();
    peer_sends(GROUP, 7400, "news");
    show("joined", fd);
    peer_sends("239.192.7.2", 7400, "other");
    show("another group", fd);
    OK("leave", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
    OK("again", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
    settle();
    peer_sends(GROUP, 7400, "after");
    show("left", fd);
}

CASE(multicast_join_forms) {
    int fd = udp();
    struct ip_mreqn n = {ip(GROUP), {0}, (int)device()};
    struct in_addr any = {0};
    OK("by index", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, sizeof n));
    OK("the same by address", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    OK("leave by nothing", membership(fd, IP_DROP_MEMBERSHIP, GROUP, any));
    OK("by nothing", membership(fd, IP_ADD_MEMBERSHIP, GROUP, any));
    OK("leave by address", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
    struct group_req g = {.gr_interface = device()};
    struct sockaddr_in a = at(ip(GROUP), 0);
    memcpy(&g.gr_group, &a, sizeof a);
    OK("MCAST_JOIN_GROUP", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof g));
    OK("again", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof g));
    OK("MCAST_LEAVE_GROUP", setsockopt(fd, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof g));
    OK("again", setsockopt(fd, IPPROTO_IP, MCAST_LEAVE_GROUP, &g, sizeof g));
    OK("short", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof g - 1));
    a.sin_family = AF_INET6;
    memcpy(&g.gr_group, &a, sizeof a);
    OK("another family", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &g, sizeof g));
    OK("mreq of 8 bytes", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, 8));
    OK("mreq of 7 bytes", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, 7));
    OK("mreq of 11 bytes", setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &n, 11));
}

CASE(multicast_join_errors) {
    int fd = udp(), t = tcp();
    OK("no group", membership(fd, IP_ADD_MEMBERSHIP, "10.88.45.9", own_ip));
    OK("broadcast", membership(fd, IP_ADD_MEMBERSHIP, "255.255.255.255", own_ip));
    OK("an address that is not ours", membership(fd, IP_ADD_MEMBERSHIP, GROUP, ip("10.88.45.77")));
    OK("leave there", membership(fd, IP_DROP_MEMBERSHIP, GROUP, ip("10.88.45.77")));
    struct ip_mreqn n = {ip(GROUP), {0}, 9999};
    OK("no such index", setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, sizeof n));
    OK("leave there", setsockopt(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, &n, sizeof n));
    OK("leave what is no group", membership(fd, IP_DROP_MEMBERSHIP, "10.1.2.3", own_ip));
    OK("a stream", membership(t, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    OK("a stream, no length", setsockopt(t, IPPROTO_IP, IP_ADD_MEMBERSHIP, &n, 0));
    int v;
    socklen_t len = sizeof v;
    OK("reading it", getsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &v, &len));
}

CASE(multicast_limits) {
    int fd = udp();
    for (int i = 0; i < 22; i++) {
        char g[32];
        snprintf(g, sizeof g, "239.192.8.%d", i);
        int r = membership(fd, IP_ADD_MEMBERSHIP, g, own_ip);
        if (r < 0) say("join", "%d: %s", i, strerrorname_np(errno));
    }
    OK("one that we have", membership(fd, IP_ADD_MEMBERSHIP, "239.192.8.3", own_ip));
    OK("leave one", membership(fd, IP_DROP_MEMBERSHIP, "239.192.8.3", own_ip));
    OK("join another", membership(fd, IP_ADD_MEMBERSHIP, "239.192.8.200", own_ip));
    for (int i = 0; i < 12; i++) {
        int r = source(fd, IP_BLOCK_SOURCE, "239.192.8.1", (struct in_addr){htonl(0x0a000001 + (uint32_t)i)});
        if (r < 0) say("block", "%d: %s", i, strerrorname_np(errno));
    }
}

CASE(multicast_sources) {
    int fd = bound(7401);
    OK("join for the peer", source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, peer_ip));
    OK("again", source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, peer_ip));
    OK("block", source(fd, IP_BLOCK_SOURCE, GROUP, peer_ip));
    OK("join for everybody", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    settle();
    peer_sends(GROUP, 7401, "news");
    show("the peer included", fd);
    OK("somebody else too", source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, ip("10.88.45.99")));
    OK("without the peer", source(fd, IP_DROP_SOURCE_MEMBERSHIP, GROUP, peer_ip));
    OK("again", source(fd, IP_DROP_SOURCE_MEMBERSHIP, GROUP, peer_ip));
    quick(fd);
    settle();
    peer_sends(GROUP, 7401, "hidden");
    show("the peer not included", fd);
    OK("the last one", source(fd, IP_DROP_SOURCE_MEMBERSHIP, GROUP, ip("10.88.45.99")));
    OK("is the group left", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
}

CASE(multicast_block) {
    int fd = bound(7402);
    OK("block before joining", source(fd, IP_BLOCK_SOURCE, GROUP, peer_ip));
    OK("unblock before joining", source(fd, IP_UNBLOCK_SOURCE, GROUP, peer_ip));
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    OK("unblock what is not blocked", source(fd, IP_UNBLOCK_SOURCE, GROUP, peer_ip));
    OK("block", source(fd, IP_BLOCK_SOURCE, GROUP, peer_ip));
    OK("again", source(fd, IP_BLOCK_SOURCE, GROUP, peer_ip));
    OK("include", source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, peer_ip));
    quick(fd);
    settle();
    peer_sends(GROUP, 7402, "hidden");
    show("blocked", fd);
    OK("unblock", source(fd, IP_UNBLOCK_SOURCE, GROUP, peer_ip));
    settle();
    peer_sends(GROUP, 7402, "news");
    show("not blocked", fd);
    OK("include with an empty list", source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, peer_ip));
}

CASE(multicast_source_forms) {
    int fd = udp();
    struct group_source_req g = {.gsr_interface = device()};
    struct sockaddr_in group = at(ip(GROUP), 0), from = at(peer_ip, 0);
    memcpy(&g.gsr_group, &group, sizeof group);
    memcpy(&g.gsr_source, &from, sizeof from);
    OK("leave before joining", setsockopt(fd, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, &g, sizeof g));
    OK("MCAST_JOIN_SOURCE_GROUP", setsockopt(fd, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, &g, sizeof g));
    OK("MCAST_BLOCK_SOURCE", setsockopt(fd, IPPROTO_IP, MCAST_BLOCK_SOURCE, &g, sizeof g));
    OK("MCAST_LEAVE_SOURCE_GROUP", setsockopt(fd, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, &g, sizeof g));
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    OK("MCAST_BLOCK_SOURCE", setsockopt(fd, IPPROTO_IP, MCAST_BLOCK_SOURCE, &g, sizeof g));
    OK("MCAST_UNBLOCK_SOURCE", setsockopt(fd, IPPROTO_IP, MCAST_UNBLOCK_SOURCE, &g, sizeof g));
    OK("short", setsockopt(fd, IPPROTO_IP, MCAST_BLOCK_SOURCE, &g, sizeof g - 1));
    OK("long", setsockopt(fd, IPPROTO_IP, IP_BLOCK_SOURCE, &g, 13));
    from.sin_family = AF_INET6;
    memcpy(&g.gsr_source, &from, sizeof from);
    OK("another family", setsockopt(fd, IPPROTO_IP, MCAST_BLOCK_SOURCE, &g, sizeof g));
    OK("no group", source(fd, IP_BLOCK_SOURCE, "10.1.1.1", peer_ip));
    int t = tcp();
    OK("a stream blocks", source(t, IP_BLOCK_SOURCE, GROUP, peer_ip));
    OK("a stream joins", source(t, IP_ADD_SOURCE_MEMBERSHIP, GROUP, peer_ip));
}

CASE(multicast_msfilter) {
    int fd = udp();
    char room[IP_MSFILTER_SIZE(12)];
    struct ip_msfilter *f = (void *)room;
    memset(room, 0, sizeof room);
    f->imsf_multiaddr = ip(GROUP);
    f->imsf_interface = own_ip;
    f->imsf_fmode = MCAST_INCLUDE;
    f->imsf_numsrc = 2;
    f->imsf_slist[0] = peer_ip;
    f->imsf_slist[1] = ip("10.88.45.99");
    socklen_t len = sizeof room;
    OK("set before joining", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(2)));
    OK("get before joining", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, &len));
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    f->imsf_numsrc = 10;
    len = sizeof room;
    OK("get", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, &len));
    say("filter", "mode %u, %u sources, %u bytes", f->imsf_fmode, f->imsf_numsrc, len);
    f->imsf_fmode = MCAST_INCLUDE;
    f->imsf_numsrc = 2;
    f->imsf_slist[0] = peer_ip;
    f->imsf_slist[1] = ip("10.88.45.99");
    OK("too short for them", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(1)));
    OK("set", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(2)));
    f->imsf_numsrc = 1;
    len = sizeof room;
    OK("get with room for one", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, &len));
    say("filter", "mode %u, %u sources, %u bytes, %s", f->imsf_fmode, f->imsf_numsrc, len,
        f->imsf_slist[0].s_addr == peer_ip.s_addr ? "the peer" : "another");
    len = 15;
    OK("get without room", getsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, &len));
    f->imsf_numsrc = 11;
    OK("eleven", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(11)));
    f->imsf_fmode = 2;
    f->imsf_numsrc = 0;
    OK("mode 2", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(0)));
    f->imsf_fmode = MCAST_INCLUDE;
    OK("nobody", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(0)));
    OK("is to leave", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
    OK("nobody again", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, IP_MSFILTER_SIZE(0)));
    OK("15 bytes", setsockopt(fd, IPPROTO_IP, IP_MSFILTER, f, 15));
}

CASE(multicast_group_filter) {
    int fd = udp();
    char room[GROUP_FILTER_SIZE(12)];
    struct group_filter *f = (void *)room;
    memset(room, 0, sizeof room);
    struct sockaddr_in group = at(ip(GROUP), 0), from = at(peer_ip, 0);
    memcpy(&f->gf_group, &group, sizeof group);
    memcpy(&f->gf_slist[0], &from, sizeof from);
    f->gf_interface = device();
    f->gf_fmode = MCAST_EXCLUDE;
    f->gf_numsrc = 1;
    socklen_t len = sizeof room;
    OK("set before joining", setsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, GROUP_FILTER_SIZE(1)));
    OK("get before joining", getsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, &len));
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    OK("set", setsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, GROUP_FILTER_SIZE(1)));
    memset(&f->gf_slist, 0, sizeof f->gf_slist);
    f->gf_fmode = 9;
    f->gf_numsrc = 5;
    len = sizeof room;
    OK("get", getsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, &len));
    memcpy(&from, &f->gf_slist[0], sizeof from);
    say("filter", "mode %u, %u sources, %u bytes, %s", f->gf_fmode, f->gf_numsrc, len,
        from.sin_addr.s_addr == peer_ip.s_addr ? "the peer" : "another");
    f->gf_numsrc = 11;
    OK("eleven", setsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, GROUP_FILTER_SIZE(11)));
    f->gf_numsrc = 2;
    OK("too short for them", setsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, GROUP_FILTER_SIZE(1)));
    OK("another family", setsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, GROUP_FILTER_SIZE(2)));
    f->gf_numsrc = 0;
    f->gf_fmode = MCAST_INCLUDE;
    OK("nobody", setsockopt(fd, IPPROTO_IP, MCAST_MSFILTER, f, GROUP_FILTER_SIZE(0)));
    OK("is to leave", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
}

CASE(multicast_on_ipv6_socket) {
    /* IPv4 groups by an AF_INET6 socket, which hears them in mapped form. */
    int fd = socket(AF_INET6, SOCK_DGRAM, 0), v = 9;
    socklen_t len = sizeof v;
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(7410)}, from;
    struct timeval t = {2, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    OK("bind", bind(fd, (void *)&a, sizeof a));
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    settle();
    peer_sends(GROUP, 7410, "mapped");
    char b[64] = "";
    len = sizeof from;
    TRY("recvfrom", recvfrom(fd, b, sizeof b, 0, (void *)&from, &len));
    say("it is", "'%s', mapped: %d", b, IN6_IS_ADDR_V4MAPPED(&from.sin6_addr));
    len = sizeof v;
    OK("IP_MULTICAST_TTL", getsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &v, &len));
    say("TTL", "%d", v);
    struct sockaddr_in6 to = mapped(inet_addr(GROUP) ? (struct in_addr){inet_addr(GROUP)} : own_ip, 7410);
    TRY("sendto the group", sendto(fd, "self", 4, 0, (void *)&to, sizeof to));
    TRY("heard", recv(fd, b, sizeof b, 0));
    OK("leave", membership(fd, IP_DROP_MEMBERSHIP, GROUP, own_ip));
}

CASE(multicast_dup_and_close) {
    /* A membership lives as long as the socket, not the descriptor. */
    int fd = bound(7411), other = bound(7411), copy = dup(fd);
    quick(other);
    OK("join", membership(fd, IP_ADD_MEMBERSHIP, GROUP, own_ip));
    close(fd);
    settle();
    peer_sends(GROUP, 7411, "still");
    show("a copy is open", copy);
    show("another socket", other);
    close(copy);
    settle();
    peer_sends(GROUP, 7411, "gone");
    show("closed", other);
}
