/* bind(2): twice, in use, not ours, reuse. */
#include "case.h"

CASE(bind_twice) {
    int fd = tcp();
    TRY("bind", bind_to(fd, own_ip, 4100));
    TRY("bind twice", bind_to(fd, own_ip, 4101));
    TRY("the same again", bind_to(fd, own_ip, 4100));
    fd = udp();
    TRY("UDP", bind_to(fd, own_ip, 4100));
    TRY("UDP twice", bind_to(fd, own_ip, 4101));
}

CASE(bind_in_use) {
    int one = tcp(), two = tcp();
    bind_to(one, own_ip, 4100);
    TRY("in use", bind_to(two, own_ip, 4100));
    TRY("in use, wildcard", bind_to(two, (struct in_addr){0}, 4100));
    TRY("another port after that", bind_to(two, own_ip, 4101));
    close(one);
    TRY("free again", bind_to(tcp(), own_ip, 4100));
}

CASE(bind_udp_in_use) {
    int one = udp(), two = udp(), on = 1;
    bind_to(one, (struct in_addr){0}, 4100);
    TRY("in use", bind_to(two, own_ip, 4100));
    TRY("TCP beside it", bind_to(tcp(), own_ip, 4100));
    setsockopt(two, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    TRY("only one with REUSEADDR", bind_to(two, own_ip, 4100));
    setsockopt(one, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    TRY("both", bind_to(two, own_ip, 4100));
}

CASE(bind_bad_addresses) {
    int fd = tcp();
    TRY("not ours", bind_to(fd, peer_ip, 0));
    struct sockaddr_in bad = at(own_ip, 4102);
    TRY("short", bind(fd, (void *)&bad, 12));
    TRY("negative length", bind(fd, (void *)&bad, (socklen_t)-1));
    TRY("beyond any", bind(fd, (void *)&bad, 1000));
    bad.sin_family = AF_UNIX;
    TRY("AF_UNIX", bind(fd, (void *)&bad, sizeof bad));
    bad.sin_family = AF_INET6;
    TRY("AF_INET6", bind(fd, (void *)&bad, sizeof bad));
    bad.sin_family = AF_UNSPEC;
    TRY("AF_UNSPEC, an address", bind(fd, (void *)&bad, sizeof bad));
    bad.sin_addr.s_addr = 0;
    TRY("AF_UNSPEC, the wildcard", bind(fd, (void *)&bad, sizeof bad));
    fd = tcp();
    TRY("multicast", bind_to(fd, (struct in_addr){htonl(0xe0000105)}, 4103));
    TRY("connect from there", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("listen there", listen(fd, 1));
    TRY("broadcast", bind_to(tcp(), (struct in_addr){htonl(INADDR_BROADCAST)}, 4104));
    TRY("subnet broadcast", bind_to(tcp(), (struct in_addr){own_ip.s_addr | htonl(0xff)}, 4105));
    TRY("UDP, subnet broadcast", bind_to(udp(), (struct in_addr){own_ip.s_addr | htonl(0xff)}, 4105));
    TRY("UDP, broadcast", bind_to(udp(), (struct in_addr){htonl(INADDR_BROADCAST)}, 4106));
}

CASE(bind_any_port) {
    struct sockaddr_in a = {0}, b = {0};
    socklen_t len = sizeof a;
    int x = tcp(), y = tcp();
    TRY("port 0", bind_to(x, own_ip, 0));
    TRY("port 0 again", bind_to(y, own_ip, 0));
    getsockname(x, (void *)&a, &len);
    getsockname(y, (void *)&b, &len);
    say("two ports", "%d", a.sin_port != b.sin_port && a.sin_port && b.sin_port);
    say("of the ephemeral range", "%d", ntohs(a.sin_port) >= 32768 && ntohs(a.sin_port) < 61000);
    say("address", "%d", a.sin_addr.s_addr == own_ip.s_addr);
}

CASE(bind_reuseaddr) {
    int one = 1, r1 = tcp(), r2 = tcp();
    setsockopt(r1, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(r2, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("REUSEADDR", bind_to(r1, own_ip, 4110));
    TRY("both bound", bind_to(r2, own_ip, 4110));
    TRY("first listens", listen(r1, 1));
    TRY("second listens", listen(r2, 1));
    int r3 = tcp();
    setsockopt(r3, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("a listener is there", bind_to(r3, own_ip, 4110));
    TRY("a listener is there, wildcard", bind_to(r3, (struct in_addr){0}, 4110));
}

CASE(bind_reuseport) {
    int one = 1, p1 = tcp(), p2 = tcp();
    setsockopt(p1, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    setsockopt(p2, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    bind_to(p1, own_ip, 4111);
    TRY("REUSEPORT listens", listen(p1, 1));
    TRY("REUSEPORT beside it", bind_to(p2, own_ip, 4111));
    TRY("both listen", listen(p2, 1));
    TRY("without it", bind_to(tcp(), own_ip, 4111));
}

CASE(bind_wrong_states) {
    TRY("a connection", bind_to(dial(ECHO_PORT), own_ip, 4104));
    TRY("a file", bind_to(open("/dev/null", O_RDWR), own_ip, 1));
    TRY("nothing", bind_to(987, own_ip, 1));
}
