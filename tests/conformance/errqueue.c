/* The error queue: IP_RECVERR and MSG_ERRQUEUE (ip(7)), and ICMP errors without it. */
#include "cmsg.h"

static int connected(int errors) {
    int fd = udp();
    if (errors) TRY("IP_RECVERR", on(fd, IPPROTO_IP, IP_RECVERR));
    connect_to(fd, peer_ip, CLOSED);
    return fd;
}

/* One line for the queue: what it is about, and from whom. */
static ssize_t error(const char *what, int fd, size_t data_room, size_t room) {
    char data[256] = "", control[256];
    struct sockaddr_in6 name;
    memset(&name, 0, sizeof name);
    struct iovec v = {data, data_room};
    struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = room};
    errno = 0;
    ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE);
    show(what, n, &m, 0);
    if (n < 0) return n;
    struct sockaddr_in v4;
    memcpy(&v4, &name, sizeof v4);
    if (name.sin6_family == AF_INET6) say("  about", "%.*s for %s port %d", (int)n, data, who(name.sin6_addr.s6_addr + 12), ntohs(name.sin6_port));
    else say("  about", "%.*s for %s port %d", (int)n, data, who(&v4.sin_addr), ntohs(v4.sin_port));
    return n;
}

CASE(errqueue_empty) {
    int fd = udp();
    TRY("without IP_RECVERR", recv(fd, NULL, 0, MSG_ERRQUEUE));
    on(fd, IPPROTO_IP, IP_RECVERR);
    struct timeval t = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    long begin = now_ms();
    TRY("with it, and never waits", recv(fd, NULL, 0, MSG_ERRQUEUE));
    say("at once", "%d", now_ms() - begin < 500);
    TRY("a stream", recv(tcp(), NULL, 0, MSG_ERRQUEUE));
    TRY("a connection", recv(dial(ECHO_PORT), NULL, 0, MSG_ERRQUEUE));
}

CASE(errqueue_connected) {
    int fd = connected(1);
    TRY("send", send(fd, "hello", 5, 0));
    settle();
    ready("refused", fd);
    TRY("send again", send(fd, "again", 5, 0));
    settle();
    ready("two", fd);
    error("first", fd, 64, 256);
    ready("one left", fd);
    say("pending", "%s", strerrorname_np(pending_error(fd)));
    error("second", fd, 64, 256);
    ready("none left", fd);
    say("pending", "%d", pending_error(fd));
    error("third", fd, 64, 256);
}

CASE(errqueue_cleared_by_reading) {
    int fd = connected(1);
    send(fd, "hello", 5, 0);
    settle();
    error("read", fd, 64, 256);
    TRY("no error to receive", recv(fd, NULL, 0, MSG_DONTWAIT));
}

CASE(errqueue_received_first) {
    int fd = connected(1);
    send(fd, "hello", 5, 0);
    settle();
    TRY("receive", recv(fd, NULL, 0, 0));
    ready("still queued", fd);
    TRY("receive again", recv(fd, NULL, 0, MSG_DONTWAIT));
    error("queued", fd, 64, 256);
    ready("empty", fd);
}

CASE(errqueue_unconnected) {
    int fd = udp();
    on(fd, IPPROTO_IP, IP_RECVERR);
    struct sockaddr_in a = at(peer_ip, CLOSED), b = at(peer_ip, CLOSED - 1);
    sendto(fd, "one", 3, 0, (void *)&a, sizeof a);
    settle();
    sendto(fd, "", 0, 0, (void *)&b, sizeof b);
    say("pending comes first", "%s", strerrorname_np(errno));
    sendto(fd, "", 0, 0, (void *)&b, sizeof b);
    settle();
    error("one", fd, 64, 256);
    error("an empty one", fd, 64, 256);
}

CASE(errqueue_small_room) {
    int fd = connected(1);
    for (int i = 0; i < 5; i++) {
        send(fd, "hello", 5, 0);
        settle();
        pending_error(fd);
    }
    error("cut data", fd, 2, 256);
    error("no data", fd, 0, 256);
    error("cut control", fd, 64, 40);
    error("no control", fd, 64, 0);
    error("head only", fd, 64, 16);
}

CASE(errqueue_with_others) {
    int fd = connected(1);
    on(fd, IPPROTO_IP, IP_RECVTTL);
    on(fd, IPPROTO_IP, IP_PKTINFO);
    on(fd, IPPROTO_IP, IP_RECVTOS);
    on(fd, SOL_SOCKET, SO_TIMESTAMP);
    send(fd, "hello", 5, 0);
    settle();
    error("all", fd, 64, 256);
}

CASE(errqueue_mapped) {
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    TRY("IPV6_RECVERR", on(fd, IPPROTO_IPV6, IPV6_RECVERR));
    struct sockaddr_in6 a = mapped(peer_ip, CLOSED);
    sendto(fd, "hello", 5, 0, (void *)&a, sizeof a);
    settle();
    error("IPv6's alone", fd, 64, 256);
    TRY("IP_RECVERR", on(fd, IPPROTO_IP, IP_RECVERR));
    sendto(fd, "hello", 5, 0, (void *)&a, sizeof a);
    settle();
    error("both", fd, 64, 256);
    on(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    on(fd, IPPROTO_IP, IP_RECVTTL);
    sendto(fd, "hello", 5, 0, (void *)&a, sizeof a);
    settle();
    error("with more", fd, 64, 256);
}

CASE(errqueue_too_big) {
    int fd = udp(), want = IP_PMTUDISC_DO;
    static char big[60000];
    on(fd, IPPROTO_IP, IP_RECVERR);
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &want, sizeof want);
    struct sockaddr_in a = at(peer_ip, ECHO_PORT);
    TRY("unconnected", sendto(fd, big, 1473, 0, (void *)&a, sizeof a));
    error("why", fd, 64, 256);
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("connected", send(fd, big, 60000, 0));
    say("pending", "%d", pending_error(fd));
    ready("told", fd);
    error("why", fd, 64, 256);
    ready("read", fd);
    TRY("fits", send(fd, big, 1472, 0));
    TRY("beyond any", send(fd, big, 65536, 0));
    error("nothing", fd, 64, 256);
}

CASE(errqueue_too_big_unasked) {
    int fd = udp(), want = IP_PMTUDISC_DO;
    static char big[2000];
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &want, sizeof want);
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("too big", send(fd, big, 2000, 0));
    error("nothing", fd, 64, 256);
}

CASE(errqueue_switched_off) {
    int fd = connected(1), zero = 0;
    send(fd, "hello", 5, 0);
    settle();
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &zero, sizeof zero);
    error("given up", fd, 64, 256);
    ready("the error stays", fd);
    say("pending", "%s", strerrorname_np(pending_error(fd)));
}

CASE(errqueue_full) {
    int fd = connected(1), small = 1, n = 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 20; i++) {
        send(fd, "hello", 5, 0);
        usleep(20000);
        pending_error(fd);
    }
    while (recv(fd, NULL, 0, MSG_ERRQUEUE) >= 0) n++;
    say("kept", "%d", n);
}

CASE(errqueue_without) {
    int fd = connected(0);
    send(fd, "hello", 5, 0);
    settle();
    ready("connected", fd);
    error("no queue", fd, 64, 256);
    TRY("receive", recv(fd, NULL, 0, 0));
    TRY("once", recv(fd, NULL, 0, MSG_DONTWAIT));
    int un = udp();
    struct sockaddr_in a = at(peer_ip, CLOSED);
    sendto(un, "x", 1, 0, (void *)&a, sizeof a);
    settle();
    ready("unconnected hears nothing", un);
    TRY("receive", recv(un, NULL, 0, MSG_DONTWAIT));
}

CASE(errqueue_no_such_host) {
    int fd = udp();
    on(fd, IPPROTO_IP, IP_RECVERR);
    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl(ntohl(nobody.s_addr) + 90);
    connect_to(fd, nobody, 9);
    send(fd, "hello", 5, 0);
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 8000);
    ready("unreachable", fd);
    error("why", fd, 64, 256);
}

CASE(errqueue_recvmmsg) {
    int fd = connected(1);
    send(fd, "hello", 5, 0);
    settle();
    char data[16], control[128];
    struct iovec v = {data, sizeof data};
    struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control}},
                           {.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}}};
    TRY("one of two", recvmmsg(fd, m, 2, MSG_ERRQUEUE, NULL));
    show("it", m[0].msg_len, &m[0].msg_hdr, 0);
}

CASE(errqueue_rfc4884) {
    int fd = udp(), two = 2, v = -1;
    socklen_t len = sizeof v;
    TRY("2", setsockopt(fd, IPPROTO_IP, 26, &two, sizeof two));
    TRY("1", on(fd, IPPROTO_IP, 26));
    TRY("get", getsockopt(fd, IPPROTO_IP, 26, &v, &len));
    say("value", "%d", v);
    on(fd, IPPROTO_IP, IP_RECVERR);
    connect_to(fd, peer_ip, CLOSED);
    send(fd, "hello", 5, 0);
    settle();
    error("no extension", fd, 64, 256);
}

CASE(errqueue_epoll) {
    int fd = connected(1), set = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET};
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
    for (int i = 0; i < 2; i++) {
        send(fd, "hello", 5, 0);
        TRY("told", epoll_wait(set, &e, 1, 2000));
        say("events", "%s", bits((int)e.events));
        pending_error(fd);
    }
    TRY("no more", epoll_wait(set, &e, 1, 50));
    error("one", fd, 64, 256);
    TRY("the next is told of", epoll_wait(set, &e, 1, 50));
}

CASE(errqueue_stream) {
    int fd = tcp(), v = -1;
    socklen_t len = sizeof v;
    TRY("set", on(fd, IPPROTO_IP, IP_RECVERR));
    TRY("get", getsockopt(fd, IPPROTO_IP, IP_RECVERR, &v, &len));
    say("value", "%d", v);
    TRY("refused", connect_to(fd, peer_ip, CLOSED));
    error("a reset is no ICMP error", fd, 64, 256);
}

/* An attempt to connect that the network refuses leaves an entry, asked for or not. */
CASE(errqueue_connect_unreachable) {
    int fd = tcp();
    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl(ntohl(nobody.s_addr) + 91);
    TRY("connect", connect_to(fd, nobody, 9));
    ready("after", fd);
    char data[256], control[256];
    struct sockaddr_in name;
    struct iovec v = {data, sizeof data};
    struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &m, MSG_ERRQUEUE);
    /* How much of the segment is quoted depends on its options. */
    show("why", n > 20 ? 20 : n, &m, 0);
    say("port", "%d, of the segment %d", ntohs(name.sin_port), data[2] << 8 | data[3]);
    TRY("only one", recvmsg(fd, &m, MSG_ERRQUEUE));
    ready("in the end", fd);
}
