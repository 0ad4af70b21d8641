/* UDP: connected and not, errors by ICMP, cut and empty datagrams. */
#include "case.h"

static char buf[70000];

static int connected(int port) {
    int fd = udp();
    connect_to(fd, peer_ip, port);
    return fd;
}

CASE(udp_fresh) {
    int fd = udp();
    ready("fresh", fd);
    TRY("send without a peer", send(fd, "x", 1, 0));
    TRY("write without a peer", write(fd, "x", 1));
    TRY("DONTWAIT", recv(fd, buf, 1, MSG_DONTWAIT));
    TRY("out of band", recv(fd, buf, 1, MSG_OOB | MSG_DONTWAIT));
    TRY("listen", listen(fd, 1));
    TRY("accept", accept(fd, NULL, NULL));
    TRY("shutdown", shutdown(fd, SHUT_WR));
}

CASE(udp_echo) {
    int fd = connected(ECHO_PORT), n = -1;
    TRY("send", send(fd, "hello", 5, 0));
    sleep_until_readable(fd);
    ready("one waits", fd);
    TRY("FIONREAD", ioctl(fd, FIONREAD, &n));
    say("next", "%d", n);
    TRY("peek", recv(fd, buf, 2, MSG_PEEK));
    TRY("peek, true length", recv(fd, buf, 2, MSG_PEEK | MSG_TRUNC));
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    TRY("recvfrom", recvfrom(fd, buf, 100, 0, (void *)&from, &len));
    say("from the peer", "%d length %u", from.sin_addr.s_addr == peer_ip.s_addr, len);
    TRY("FIONREAD", ioctl(fd, FIONREAD, &n));
    say("next", "%d", n);
}

CASE(udp_cut) {
    int fd = connected(ECHO_PORT);
    TRY("ten", send(fd, "0123456789", 10, 0));
    sleep_until_readable(fd);
    struct iovec v = {buf, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    TRY("recvmsg", recvmsg(fd, &m, 0));
    say("msg_flags", "%s", m.msg_flags & MSG_TRUNC ? "TRUNC" : "none");
    TRY("the rest is lost", recv(fd, buf, 100, MSG_DONTWAIT));
    send(fd, "0123456789", 10, 0);
    sleep_until_readable(fd);
    TRY("no room at all", recv(fd, buf, 0, 0));
    TRY("it is gone", recv(fd, buf, 1, MSG_DONTWAIT));
    send(fd, "0123456789", 10, 0);
    sleep_until_readable(fd);
    TRY("read", read(fd, buf, 3));
    send(fd, "0123456789", 10, 0);
    sleep_until_readable(fd);
    TRY("WAITALL does not wait", recv(fd, buf, 100, MSG_WAITALL));
}

CASE(udp_empty) {
    int fd = connected(ECHO_PORT);
    TRY("empty", send(fd, "", 0, 0));
    sleep_until_readable(fd);
    ready("an empty one waits", fd);
    TRY("recv empty", recv(fd, buf, 100, 0));
    TRY("write nothing", write(fd, "", 0));
    settle();
    TRY("nothing came of it", recv(fd, buf, 100, MSG_DONTWAIT));
    struct iovec none = {buf, 0};
    TRY("writev of an empty entry", writev(fd, &none, 1));
    settle();
    TRY("and of that", recv(fd, buf, 100, MSG_DONTWAIT));
}

CASE(udp_sizes) {
    memset(buf, 'u', sizeof buf);
    int fd = connected(ECHO_PORT);
    const int sizes[] = {1, 1471, 1472, 1473, 20000, 65507};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        TRY("send", send(fd, buf, (size_t)sizes[i], 0));
        sleep_until_readable(fd);
        TRY("back", recv(fd, buf, sizeof buf, 0));
    }
    TRY("too large", send(fd, buf, 65508, 0));
    TRY("far too large", send(fd, buf, 70000, 0));
    TRY("SO_ERROR", pending_error(fd));
}

CASE(udp_refused) {
    int bad = connected(CLOSED);
    TRY("send", send(bad, "x", 1, 0));
    settle();
    ready("refused", bad);
    TRY("send tells", send(bad, "x", 1, 0));
    TRY("once", send(bad, "x", 1, 0));
    settle();
    TRY("recv tells", recv(bad, buf, 1, 0));
    TRY("once", recv(bad, buf, 1, MSG_DONTWAIT));
    TRY("send", send(bad, "x", 1, 0));
    settle();
    say("SO_ERROR tells", "%s", strerrorname_np(pending_error(bad)));
    ready("told", bad);
}

CASE(udp_refused_unconnected) {
    int loose = udp();
    struct sockaddr_in to = at(peer_ip, CLOSED);
    TRY("unconnected", sendto(loose, "x", 1, 0, (void *)&to, sizeof to));
    settle();
    ready("is not told", loose);
    TRY("recv", recv(loose, buf, 1, MSG_DONTWAIT));
    to = at(peer_ip, ECHO_PORT);
    TRY("goes on", sendto(loose, "x", 1, 0, (void *)&to, sizeof to));
    sleep_until_readable(loose);
    TRY("and hears", recv(loose, buf, 1, MSG_DONTWAIT));
}

CASE(udp_connected_elsewhere) {
    int fd = connected(CLOSED);
    struct sockaddr_in to = at(peer_ip, ECHO_PORT), a;
    socklen_t len = sizeof a;
    TRY("sendto over a connection", sendto(fd, "abc", 3, 0, (void *)&to, sizeof to));
    settle();
    TRY("others are not heard", recv(fd, buf, 10, MSG_DONTWAIT));
    TRY("connect again", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("send", send(fd, "abc", 3, 0));
    sleep_until_readable(fd);
    TRY("heard", recv(fd, buf, 10, MSG_DONTWAIT));
    to.sin_family = AF_UNSPEC;
    TRY("disconnect", connect(fd, (void *)&to, sizeof to));
    TRY("send then", send(fd, "x", 1, 0));
    TRY("getpeername then", getpeername(fd, (void *)&a, &len));
    getsockname(fd, (void *)&a, &len);
    say("address given back", "%d", a.sin_addr.s_addr == 0);
}

CASE(udp_bad_destinations) {
    int fd = udp(), one = 1;
    struct sockaddr_in to = at(peer_ip, 0);
    TRY("port 0", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    to = at((struct in_addr){htonl(INADDR_BROADCAST)}, 9);
    TRY("broadcast without leave", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
    to = at((struct in_addr){peer_ip.s_addr | htonl(0xff)}, 9);
    TRY("broadcast with leave", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    TRY("short", sendto(fd, "x", 1, 0, (void *)&to, 15));
    TRY("no bytes of address", sendto(fd, "x", 1, 0, (void *)&to, 0));
    to.sin_family = AF_INET6;
    TRY("AF_INET6", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    to.sin_family = AF_UNIX;
    TRY("AF_UNIX", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    TRY("out of band", sendto(fd, "x", 1, MSG_OOB, (void *)&to, sizeof to));
}

CASE(udp_received_and_own) {
    int fd = udp(), other = udp();
    TRY("bind", bind_to(fd, (struct in_addr){0}, 5353));
    tell_peer("udp", 5353, "told");
    sleep_until_readable(fd);
    TRY("received", recv(fd, buf, 100, 0));
    struct sockaddr_in to = at(own_ip, 5353);
    TRY("to ourselves", sendto(other, "self", 4, 0, (void *)&to, sizeof to));
    sleep_until_readable(fd);
    socklen_t len = sizeof to;
    TRY("from ourselves", recvfrom(fd, buf, 100, 0, (void *)&to, &len));
    say("from", "%d", to.sin_addr.s_addr == own_ip.s_addr);
}

CASE(udp_shutdown) {
    int fd = connected(ECHO_PORT), loose = udp();
    bind_to(loose, (struct in_addr){0}, 5353);
    TRY("SHUT_RD unconnected", shutdown(loose, SHUT_RD));
    ready("shut", loose);
    TRY("SHUT_RD connected", shutdown(fd, SHUT_RD));
    TRY("blocking recv", recv(fd, buf, 10, 0));
    TRY("non-blocking recv", recv(fd, buf, 10, MSG_DONTWAIT));
    TRY("SHUT_WR", shutdown(fd, SHUT_WR));
    TRY("send after it", send(fd, "x", 1, MSG_NOSIGNAL));
    ready("shut both ways", fd);
    TRY("bad direction", shutdown(fd, 5));
}
