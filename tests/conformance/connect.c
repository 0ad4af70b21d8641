/* connect(2): refused, in progress, twice, to ourselves, to nobody. */
#include "case.h"

CASE(connect) {
    int fd = tcp();
    TRY("refused", connect_to(fd, peer_ip, CLOSED));
    TRY("refused, then a good port", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("again", connect_to(fd, peer_ip, ECHO_PORT));
    close(fd);

    fd = tcp();
    nonblocking(fd);
    TRY("non-blocking", connect_to(fd, peer_ip, ECHO_PORT));
    struct pollfd p = {fd, POLLOUT, 0};
    TRY("wait", poll(&p, 1, 3000));
    say("bits", "%s", bits(p.revents));
    say("SO_ERROR", "%d", pending_error(fd));
    TRY("connect after success", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("and once more", connect_to(fd, peer_ip, ECHO_PORT));
    close(fd);

    fd = tcp();
    nonblocking(fd);
    TRY("non-blocking, refused later", connect_to(fd, peer_ip, CLOSED));
    p = (struct pollfd){fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    TRY("wait", poll(&p, 1, 3000));
    say("bits", "%s", bits(p.revents));
    say("SO_ERROR", "%s", strerrorname_np(pending_error(fd)));
    say("SO_ERROR again", "%d", pending_error(fd));
    ready("after the error was taken", fd);
    close(fd);

    fd = tcp();
    nonblocking(fd);
    TRY("refused, told by connect", connect_to(fd, peer_ip, CLOSED));
    settle();
    TRY("second connect", connect_to(fd, peer_ip, CLOSED));
    TRY("third connect starts anew", connect_to(fd, peer_ip, CLOSED));
    close(fd);

    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl(ntohl(peer_ip.s_addr) + 98);
    fd = tcp();
    nonblocking(fd);
    TRY("nobody, non-blocking", connect_to(fd, nobody, 80));
    TRY("already", connect_to(fd, nobody, 80));
    ready("while connecting", fd);
    char c;
    TRY("recv while connecting", recv(fd, &c, 1, 0));
    TRY("send while connecting", send(fd, "x", 1, MSG_NOSIGNAL));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    TRY("getpeername while connecting", getpeername(fd, (void *)&a, &len));
    close(fd);
    fd = tcp();
    TRY("nobody, blocking", connect_to(fd, nobody, 80));
    close(fd);

    fd = tcp();
    bind_to(fd, own_ip, 4321);
    TRY("to itself", connect_to(fd, own_ip, 4321));
    TRY("send to itself", send(fd, "loop", 4, 0));
    char buf[8] = "";
    TRY("recv from itself", recv(fd, buf, sizeof buf, 0));
    say("data", "%s", buf);
    close(fd);

    int port, l = listener(&port);
    fd = tcp();
    TRY("to a listener of ours", connect_to(fd, own_ip, port));
    int s = accept(l, NULL, NULL);
    TRY("bytes there", send(fd, "abc", 3, 0));
    TRY("bytes here", recv(s, buf, sizeof buf, 0));
    fd = tcp();
    TRY("refused by ourselves", connect_to(fd, own_ip, 4322));

    fd = tcp();
    struct sockaddr_in bad = at(peer_ip, ECHO_PORT);
    TRY("short address", connect(fd, (void *)&bad, 8));
    TRY("negative length", connect(fd, (void *)&bad, (socklen_t)-1));
    bad.sin_family = AF_INET6;
    TRY("family of another socket", connect(fd, (void *)&bad, sizeof bad));
    bad.sin_family = AF_UNIX;
    TRY("AF_UNIX address", connect(fd, (void *)&bad, sizeof bad));
    TRY("broadcast address", connect_to(fd, (struct in_addr){htonl(INADDR_BROADCAST)}, 80));
    bad.sin_family = AF_UNSPEC;
    TRY("AF_UNSPEC", connect(fd, (void *)&bad, sizeof bad));
    TRY("after all that", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("AF_UNSPEC disconnects", connect(fd, (void *)&bad, sizeof bad));
    ready("disconnected", fd);
    TRY("and connects again", connect_to(fd, peer_ip, ECHO_PORT));
}
