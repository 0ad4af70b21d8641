/* connect(2): refused, in progress, twice, to ourselves, to nobody. */
#include "case.h"

static struct in_addr nobody(void) { return (struct in_addr){htonl(ntohl(peer_ip.s_addr) + 98)}; }

CASE(connect_refused) {
    int fd = tcp();
    TRY("refused", connect_to(fd, peer_ip, CLOSED));
    say("SO_ERROR", "%d", pending_error(fd));
    ready("after it", fd);
    TRY("refused, then a good port", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("again", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("elsewhere", connect_to(fd, peer_ip, DISCARD));
}

CASE(connect_in_progress) {
    int fd = tcp();
    nonblocking(fd);
    TRY("non-blocking", connect_to(fd, peer_ip, ECHO_PORT));
    struct pollfd p = {fd, POLLOUT, 0};
    TRY("wait", poll(&p, 1, 3000));
    say("bits", "%s", bits(p.revents));
    say("SO_ERROR", "%d", pending_error(fd));
    TRY("connect after success", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("and once more", connect_to(fd, peer_ip, ECHO_PORT));
}

CASE(connect_refused_later) {
    int fd = tcp();
    nonblocking(fd);
    TRY("non-blocking, refused later", connect_to(fd, peer_ip, CLOSED));
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    TRY("wait", poll(&p, 1, 3000));
    say("bits", "%s", bits(p.revents));
    say("SO_ERROR", "%s", strerrorname_np(pending_error(fd)));
    say("SO_ERROR again", "%d", pending_error(fd));
    ready("after the error was taken", fd);
}

CASE(connect_refused_told_by_connect) {
    int fd = tcp();
    nonblocking(fd);
    TRY("first", connect_to(fd, peer_ip, CLOSED));
    settle();
    TRY("second connect", connect_to(fd, peer_ip, CLOSED));
    TRY("third connect starts anew", connect_to(fd, peer_ip, CLOSED));
}

CASE(connect_refused_told_by_data) {
    char c;
    int fd = tcp();
    nonblocking(fd);
    connect_to(fd, peer_ip, CLOSED);
    settle();
    TRY("recv tells", recv(fd, &c, 1, 0));
    TRY("recv then", recv(fd, &c, 1, 0));
    fd = tcp();
    nonblocking(fd);
    connect_to(fd, peer_ip, CLOSED);
    settle();
    TRY("send tells", send(fd, "x", 1, MSG_NOSIGNAL));
    TRY("send then", send(fd, "x", 1, MSG_NOSIGNAL));
}

CASE(connect_nobody) {
    int fd = tcp();
    nonblocking(fd);
    TRY("non-blocking", connect_to(fd, nobody(), 80));
    TRY("already", connect_to(fd, nobody(), 80));
    ready("while connecting", fd);
    char c;
    TRY("recv while connecting", recv(fd, &c, 1, 0));
    TRY("send while connecting", send(fd, "x", 1, MSG_NOSIGNAL));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("getpeername while connecting", getpeername(fd, (void *)&a, &len));
    TRY("getsockname while connecting", getsockname(fd, (void *)&a, &len));
    say("our address", "%d", a.sin_addr.s_addr == own_ip.s_addr);
    TRY("shutdown while connecting", shutdown(fd, SHUT_RDWR));
    ready("after it", fd);
}

CASE(connect_nobody_blocking) {
    int fd = tcp();
    TRY("nobody, blocking", connect_to(fd, nobody(), 80));
    TRY("another port is free to try", connect_to(fd, peer_ip, ECHO_PORT));
}

CASE(connect_to_itself) {
    int fd = tcp();
    bind_to(fd, own_ip, 4321);
    TRY("to itself", connect_to(fd, own_ip, 4321));
    TRY("send to itself", send(fd, "loop", 4, 0));
    char buf[8] = "";
    TRY("recv from itself", recv(fd, buf, sizeof buf, 0));
    say("data", "%s", buf);
    TRY("shutdown", shutdown(fd, SHUT_WR));
    TRY("the end", recv(fd, buf, sizeof buf, 0));
}

CASE(connect_within_the_host) {
    char buf[8] = "";
    int port, l = listener(&port), fd = tcp();
    TRY("to a listener of ours", connect_to(fd, own_ip, port));
    int s = accept(l, NULL, NULL);
    TRY("bytes there", send(fd, "abc", 3, 0));
    TRY("bytes here", recv(s, buf, sizeof buf, 0));
    TRY("and back", send(s, "defg", 4, 0));
    TRY("arrive", recv(fd, buf, sizeof buf, 0));
    close(s);
    TRY("the end", recv(fd, buf, sizeof buf, 0));
    TRY("refused by ourselves", connect_to(tcp(), own_ip, 4322));
}

CASE(connect_bad_addresses) {
    int fd = tcp();
    struct sockaddr_in bad = at(peer_ip, ECHO_PORT);
    TRY("short address", connect(fd, (void *)&bad, 8));
    TRY("no address", connect(fd, (void *)&bad, 0));
    TRY("one byte", connect(fd, (void *)&bad, 1));
    TRY("negative length", connect(fd, (void *)&bad, (socklen_t)-1));
    TRY("length beyond any", connect(fd, (void *)&bad, 1000));
    bad.sin_family = AF_INET6;
    TRY("family of another socket", connect(fd, (void *)&bad, sizeof bad));
    bad.sin_family = AF_UNIX;
    TRY("AF_UNIX address", connect(fd, (void *)&bad, sizeof bad));
    TRY("broadcast address", connect_to(fd, (struct in_addr){htonl(INADDR_BROADCAST)}, 80));
    TRY("subnet broadcast", connect_to(fd, (struct in_addr){peer_ip.s_addr | htonl(0xff)}, 80));
    TRY("multicast", connect_to(fd, (struct in_addr){htonl(0xe0000105)}, 80));
    TRY("port 0", connect_to(fd, peer_ip, 0));
    TRY("after all that", connect_to(fd, peer_ip, ECHO_PORT));
}

CASE(connect_unspec) {
    struct sockaddr_in none = {.sin_family = AF_UNSPEC};
    int fd = tcp();
    TRY("AF_UNSPEC on a fresh one", connect(fd, (void *)&none, sizeof none));
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("AF_UNSPEC disconnects", connect(fd, (void *)&none, sizeof none));
    ready("disconnected", fd);
    TRY("and connects again", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("it carries data", send(fd, "abc", 3, 0));
    char buf[4];
    TRY("and back", recv(fd, buf, 3, MSG_WAITALL));
    TRY("AF_UNSPEC, short", connect(fd, (void *)&none, sizeof none.sin_family));
    TRY("send then", send(fd, "x", 1, MSG_NOSIGNAL));
}

CASE(connect_bound) {
    int fd = tcp();
    TRY("bind", bind_to(fd, own_ip, 4330));
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("port kept", "%d", ntohs(a.sin_port));
    int other = tcp(), one = 1;
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("the port of a connection", bind_to(other, own_ip, 4330));
    TRY("the same pair of addresses", connect_to(other, peer_ip, ECHO_PORT));
    TRY("another pair", connect_to(other, peer_ip, DISCARD));
}

CASE(connect_wrong_descriptors) {
    TRY("a file", connect_to(open("/dev/null", O_RDWR), peer_ip, 1));
    TRY("nothing", connect_to(987, peer_ip, 1));
    TRY("negative", connect_to(-1, peer_ip, 1));
}
