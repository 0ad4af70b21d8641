/* What a program sees of its host's interfaces: getifaddrs, if_nametoindex and kin, netlink. The device's name and index differ (veth0, matnet0), so it is
 * printed as "dev"; the native namespace has the same address on it. */
#include "case.h"
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

static const char *called(const char *name) { return strcmp(name, "lo") == 0 ? "lo" : "dev"; }

static void show(const char *what, const struct sockaddr *a) {
    if (!a) say(what, "none");
    else if (a->sa_family == AF_INET) say(what, "%s", inet_ntoa(((const struct sockaddr_in *)a)->sin_addr));
    else say(what, "family %d", a->sa_family);
}

/* The name of the device that has our address. */
static void own_device(char *name) {
    struct ifaddrs *all = NULL;
    name[0] = 0;
    if (getifaddrs(&all)) return;
    for (struct ifaddrs *i = all; i; i = i->ifa_next)
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && ((struct sockaddr_in *)i->ifa_addr)->sin_addr.s_addr == own_ip.s_addr)
            strcpy(name, i->ifa_name);
    freeifaddrs(all);
}

CASE(ifaddrs_inet) {
    struct ifaddrs *all = NULL;
    TRY("getifaddrs", getifaddrs(&all));
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        show(called(i->ifa_name), i->ifa_addr);
        show("netmask", i->ifa_netmask);
        show("broadcast or far end", i->ifa_broadaddr);
        say("flags", "%s%s%s%s%s", i->ifa_flags & IFF_UP ? "up " : "", i->ifa_flags & IFF_RUNNING ? "running " : "",
            i->ifa_flags & IFF_LOOPBACK ? "loopback " : "", i->ifa_flags & IFF_BROADCAST ? "broadcast " : "",
            i->ifa_flags & IFF_MULTICAST ? "multicast" : "");
        say("data", "%s", i->ifa_data ? "there" : "none");
    }
    freeifaddrs(all);
}

CASE(ifaddrs_links) {
    struct ifaddrs *all = NULL;
    int late = 0;
    TRY("getifaddrs", getifaddrs(&all));
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr) continue;
        if (i->ifa_addr->sa_family == AF_INET) late = 1;
        if (i->ifa_addr->sa_family != AF_PACKET) continue;
        struct sockaddr_ll *l = (void *)i->ifa_addr, *b = (void *)i->ifa_broadaddr;
        say(called(i->ifa_name), "hardware %d, %d bytes, index %s, netmask %s, data %s, %s", l->sll_hatype, l->sll_halen,
            l->sll_ifindex == (int)if_nametoindex(i->ifa_name) ? "right" : "wrong", i->ifa_netmask ? "there" : "none",
            i->ifa_data ? "there" : "none", late ? "after an address" : "before the addresses");
        say("broadcast", "%02x%02x", b->sll_addr[0], b->sll_addr[5]);
    }
    freeifaddrs(all);
}

CASE(ifaddrs_with_a_socket) {
    struct ifaddrs *all = NULL;
    int fd = dial(HELLO), found = 0;
    TRY("getifaddrs", getifaddrs(&all));
    for (struct ifaddrs *i = all; i; i = i->ifa_next)
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET) found++;
    say("addresses", "%d", found);
    freeifaddrs(all);
    OK("close", close(fd));
}

CASE(ifaddrs_can_be_bound) {
    struct ifaddrs *all = NULL;
    getifaddrs(&all);
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        int fd = udp();
        OK(called(i->ifa_name), bind(fd, i->ifa_addr, sizeof(struct sockaddr_in)));
        close(fd);
    }
    freeifaddrs(all);
}

CASE(name_to_index) {
    char own[IF_NAMESIZE];
    own_device(own);
    say("lo", "%u", if_nametoindex("lo"));
    say("own", "%s", if_nametoindex(own) > 1 ? "there" : "none");
    errno = 0;
    say("unknown", "%u %s", if_nametoindex("nowhere0"), strerrorname_np(errno));
    errno = 0;
    say("empty", "%u %s", if_nametoindex(""), strerrorname_np(errno));
}

CASE(index_to_name) {
    char own[IF_NAMESIZE], name[IF_NAMESIZE] = "";
    own_device(own);
    say("1", "%s", if_indextoname(1, name));
    say("own", "%d", if_indextoname(if_nametoindex(own), name) == name && strcmp(name, own) == 0);
    errno = 0;
    say("unknown", "%s %s", if_indextoname(9999, name) ? "found" : "none", strerrorname_np(errno));
    errno = 0;
    say("0", "%s %s", if_indextoname(0, name) ? "found" : "none", strerrorname_np(errno));
}

CASE(name_index) {
    struct if_nameindex *all = if_nameindex();
    int n = 0;
    char own[IF_NAMESIZE];
    own_device(own);
    for (struct if_nameindex *i = all; i && i->if_index; i++, n++)
        if (!strcmp(i->if_name, "lo") || !strcmp(i->if_name, own)) say(called(i->if_name), "%d", i->if_index == if_nametoindex(i->if_name));
    say("any", "%d", n >= 2);
    if_freenameindex(all);
}

/* A request and what comes back, one line a message. */
static void ask(int fd, int type, int flags, const void *body, int len) {
    struct {
        struct nlmsghdr h;
        char body[256];
    } q = {.h = {.nlmsg_len = NLMSG_LENGTH((unsigned)len), .nlmsg_type = (uint16_t)type, .nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags), .nlmsg_seq = 7}};
    memcpy(q.body, body, (size_t)len);
    say("send", "%s", send(fd, &q, q.h.nlmsg_len, 0) == (ssize_t)q.h.nlmsg_len ? "all" : strerrorname_np(errno));
}

static int listen_to(int fd) {
    static char buf[65536];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, 3000) != 1) return say("wait", "nothing"), 1;
    struct sockaddr_nl from;
    struct iovec iov = {buf, sizeof buf};
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};
    int peeked = (int)recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC), n = (int)recvmsg(fd, &m, 0), end = 0;
    if (peeked != n || from.nl_pid != 0 || m.msg_namelen != sizeof from || m.msg_flags) say("shape", "%d %d %u %u %x", peeked, n, from.nl_pid, m.msg_namelen, m.msg_flags);
    for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
        if (h->nlmsg_seq != 7) say("sequence", "%u", h->nlmsg_seq);
        if (h->nlmsg_type == NLMSG_DONE) say("done", "%s", h->nlmsg_flags & NLM_F_MULTI ? "multi" : "single"), end = 1;
        else if (h->nlmsg_type == NLMSG_ERROR) say("error", "%s", strerrorname_np(-((struct nlmsgerr *)NLMSG_DATA(h))->error)), end = 1;
        else if (h->nlmsg_type == RTM_NEWLINK) {
            struct ifinfomsg *i = NLMSG_DATA(h);
            say("link", "%s type %d %s", i->ifi_index == 1 ? "lo" : "dev", i->ifi_type, i->ifi_flags & (1 << 16) ? "carrier" : "no carrier");
            end |= !(h->nlmsg_flags & NLM_F_MULTI);
        } else if (h->nlmsg_type == RTM_NEWADDR) {
            struct ifaddrmsg *a = NLMSG_DATA(h);
            int left = IFA_PAYLOAD(h);
            for (struct rtattr *r = IFA_RTA(a); RTA_OK(r, left); r = RTA_NEXT(r, left))
                if (r->rta_type == IFA_LOCAL) say("address", "%s/%d scope %d flags %x", inet_ntoa(*(struct in_addr *)RTA_DATA(r)), a->ifa_prefixlen, a->ifa_scope, a->ifa_flags);
        } else if (h->nlmsg_type == RTM_NEWROUTE) {
            struct rtmsg *r = NLMSG_DATA(h);
            if (r->rtm_table == RT_TABLE_MAIN && r->rtm_dst_len) say("route", "/%d proto %d scope %d type %d", r->rtm_dst_len, r->rtm_protocol, r->rtm_scope, r->rtm_type);
            end |= !(h->nlmsg_flags & NLM_F_MULTI);
        }
    }
    return end;
}

static int route_socket(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl a = {.nl_family = AF_NETLINK};
    OK("bind", bind(fd, (void *)&a, sizeof a));
    return fd;
}

CASE(netlink_addresses) {
    int fd = route_socket();
    struct ifaddrmsg a = {.ifa_family = AF_INET};
    ask(fd, RTM_GETADDR, NLM_F_DUMP, &a, sizeof a);
    while (!listen_to(fd)) {}
    OK("close", close(fd));
}

CASE(netlink_one_link) {
    int fd = route_socket();
    struct ifinfomsg i = {.ifi_index = 1};
    ask(fd, RTM_GETLINK, 0, &i, sizeof i);
    while (!listen_to(fd)) {}
    i.ifi_index = 9999;
    ask(fd, RTM_GETLINK, 0, &i, sizeof i);
    while (!listen_to(fd)) {}
}

CASE(netlink_connected_network) {
    int fd = route_socket();
    struct rtmsg r = {.rtm_family = AF_INET};
    ask(fd, RTM_GETROUTE, NLM_F_DUMP, &r, sizeof r);
    while (!listen_to(fd)) {}
}

CASE(netlink_nonblocking) {
    int fd = route_socket();
    char b[64];
    TRY("recv of nothing", recv(fd, b, sizeof b, MSG_DONTWAIT));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    TRY("read of nothing", read(fd, b, sizeof b));
    struct timeval soon = {0, 50000};
    fcntl(fd, F_SETFL, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
    TRY("recv with a time-out", recv(fd, b, sizeof b, 0));
}

CASE(netlink_two_dumps_by_dup) {
    int fd = route_socket(), twin = dup(fd);
    struct ifaddrmsg a = {.ifa_family = AF_INET};
    ask(twin, RTM_GETADDR, NLM_F_DUMP, &a, sizeof a);
    while (!listen_to(fd)) {}
    OK("close", close(fd));
    ask(twin, RTM_GETADDR, NLM_F_DUMP, &a, sizeof a);
    while (!listen_to(twin)) {}
    OK("close", close(twin));
    /* The number is somebody else's now. */
    int pair[2];
    OK("socketpair", socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    char ack[36] = {36, 0, 0, 0, 2};
    ack[28 - 4] = 8;
    TRY("send", send(pair[0], ack, sizeof ack, 0));
    char got[64];
    TRY("recv", recv(pair[1], got, sizeof got, 0));
}

CASE(netlink_refusals) {
    int fd = route_socket();
    struct nlmsghdr h = {.nlmsg_len = NLMSG_LENGTH(0), .nlmsg_type = 9000, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 7};
    TRY("send of an unknown request", send(fd, &h, sizeof h, 0));
    listen_to(fd);
    h.nlmsg_type = NLMSG_NOOP;
    h.nlmsg_flags |= NLM_F_ACK;
    TRY("send of nothing to do", send(fd, &h, sizeof h, 0));
    char b[256];
    TRY("its acknowledgement", recv(fd, b, sizeof b, 0));
}

CASE(netlink_with_a_stack_and_epoll) {
    int tcp_fd = dial(HELLO), fd = route_socket(), twin = fcntl(fd, F_DUPFD_CLOEXEC, 100), set = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.u32 = 5}, got;
    TRY("epoll_ctl", epoll_ctl(set, EPOLL_CTL_ADD, twin, &e));
    TRY("nothing yet", epoll_wait(set, &got, 1, 0));
    struct ifaddrmsg a = {.ifa_family = AF_INET};
    ask(twin, RTM_GETADDR, NLM_F_DUMP, &a, sizeof a);
    TRY("an answer", epoll_wait(set, &got, 1, 3000));
    while (!listen_to(twin)) {}
    TRY("read out", epoll_wait(set, &got, 1, 0));
    struct sockaddr_nl name;
    socklen_t len = sizeof name;
    OK("getsockname", getsockname(twin, (void *)&name, &len));
    say("name", "family %d, port %s", name.nl_family, name.nl_pid ? "given" : "none");
    OK("dup2 of the connection onto it", dup2(tcp_fd, fd));
    char b[8];
    OK("its greeting", recv(fd, b, 1, 0));
    OK("close", close(fd));
}

CASE(netlink_sizes) {
    int fd = route_socket();
    struct ifaddrmsg a = {.ifa_family = AF_INET};
    ask(fd, RTM_GETADDR, NLM_F_DUMP, &a, sizeof a);
    char b[65536];
    ssize_t whole = recv(fd, b, sizeof b, MSG_PEEK);
    say("peeked again", "%s", recv(fd, b, 16, MSG_PEEK | MSG_TRUNC) == whole ? "the whole length" : "another");
    struct iovec two[2] = {{b, 4}, {b + 100, 12}};
    struct msghdr m = {.msg_iov = two, .msg_iovlen = 2};
    TRY("cut in two pieces", recvmsg(fd, &m, 0));
    say("flags", "%s", m.msg_flags == MSG_TRUNC ? "TRUNC" : "other");
    say("first", "type %d", *(unsigned short *)(b + 100));
}

CASE(netlink_route_to) {
    int fd = route_socket();
    struct {
        struct rtmsg r;
        struct rtattr t;
        struct in_addr dst;
    } q = {.r = {.rtm_family = AF_INET, .rtm_dst_len = 32}, .t = {RTA_LENGTH(4), RTA_DST}, .dst = peer_ip};
    ask(fd, RTM_GETROUTE, 0, &q, sizeof q);
    while (!listen_to(fd)) {}
    q.dst = own_ip;
    ask(fd, RTM_GETROUTE, 0, &q, sizeof q);
    while (!listen_to(fd)) {}
}
