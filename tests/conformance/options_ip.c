/* What options of level IPPROTO_IP and IPPROTO_UDP do. */
#include "case.h"

static int get(int fd, int level, int name) {
    int v = -77;
    socklen_t len = sizeof v;
    return getsockopt(fd, level, name, &v, &len) < 0 ? -errno : v;
}

static void flag(int fd, int level, int name, int v) { setsockopt(fd, level, name, &v, sizeof v); }

static int local_port(int fd) {
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    return ntohs(a.sin_port);
}

CASE(minttl) {
    int fd = tcp();
    TRY("more than there is", setsockopt(fd, IPPROTO_IP, IP_MINTTL, &(int){255}, 4));
    flag(fd, IPPROTO_TCP, TCP_SYNCNT, 1);
    nonblocking(fd);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    usleep(200000);
    ready("the answer is dropped", fd);
    flag(fd, IPPROTO_IP, IP_MINTTL, 64);
    struct pollfd p = {fd, POLLOUT, 0};
    poll(&p, 1, 4000);
    say("the next one is not", "%s error %d", bits(p.revents), pending_error(fd));
}
CASE(minttl_listener) {
    int port, ls = listener(&port);
    flag(ls, IPPROTO_IP, IP_MINTTL, 65);
    tell_peer("send", port, "x");
    usleep(200000);
    ready("dropped", ls);
}
CASE(freebind) {
    struct in_addr foreign = {inet_addr("192.0.2.7")};
    int fd = tcp(), u = udp();
    TRY("without", bind_to(fd, foreign, 0));
    flag(fd, IPPROTO_IP, IP_FREEBIND, 1);
    TRY("stream", bind_to(fd, foreign, 0));
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    int ls = tcp();
    flag(ls, IPPROTO_IP, IP_FREEBIND, 1);
    TRY("listener", bind_to(ls, foreign, 7444));
    TRY("listen", listen(ls, 1));
    flag(u, IPPROTO_IP, IP_FREEBIND, 1);
    TRY("datagram", bind_to(u, foreign, 0));
    struct sockaddr_in a = at(peer_ip, ECHO_PORT);
    TRY("sendto", sendto(u, "x", 1, 0, (void *)&a, sizeof a));
    TRY("connect", connect_to(u, peer_ip, ECHO_PORT));
}
CASE(local_port_range) {
    int range = 40010 << 16 | 40001;
    for (int i = 0; i < 3; i++) {
        int fd = tcp(), u = udp(), b = tcp();
        flag(fd, IPPROTO_IP, 51, range);
        flag(u, IPPROTO_IP, 51, range);
        flag(b, IPPROTO_IP, 51, range);
        connect_to(fd, peer_ip, ECHO_PORT);
        connect_to(u, peer_ip, ECHO_PORT);
        bind_to(b, own_ip, 0);
        say("inside", "%d %d %d", local_port(fd) >= 40001 && local_port(fd) <= 40010,
            local_port(u) >= 40001 && local_port(u) <= 40010, local_port(b) >= 40001 && local_port(b) <= 40010);
    }
    int fd = tcp();
    TRY("upside down", setsockopt(fd, IPPROTO_IP, 51, &(int){40001 << 16 | 40010}, 4));
    TRY("8 bytes", setsockopt(fd, IPPROTO_IP, 51, (char[8]){0}, 8));
}
CASE(local_port_range_of_one) {
    int range = 41234 << 16 | 41234;
    int one = udp(), two = udp();
    flag(one, IPPROTO_IP, 51, range);
    flag(two, IPPROTO_IP, 51, range);
    TRY("first", bind_to(one, own_ip, 0));
    say("port", "%d", local_port(one));
    TRY("second", bind_to(two, own_ip, 0));
}
CASE(bind_address_no_port) {
    int fd = tcp();
    flag(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    TRY("bind", bind_to(fd, own_ip, 0));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("bound", "address %d port %d", a.sin_addr.s_addr == own_ip.s_addr, ntohs(a.sin_port));
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    getsockname(fd, (void *)&a, &len);
    say("connected", "address %d port %d", a.sin_addr.s_addr == own_ip.s_addr, ntohs(a.sin_port) > 0);
    int other = tcp();
    flag(other, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    TRY("not ours", bind_to(other, peer_ip, 0));
}
CASE(protocol_is_the_port) {
    int fd = udp();
    say("unbound", "%d", get(fd, IPPROTO_IP, 52));
    bind_to(fd, own_ip, 7555);
    say("bound", "%d", get(fd, IPPROTO_IP, 52));
}
CASE(unicast_if) {
    int fd = udp();
    TRY("no such device", setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &(int){htonl(9999)}, 4));
    TRY("lo", setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &(int){htonl(1)}, 4));
    say("reads", "%d", ntohl(get(fd, IPPROTO_IP, IP_UNICAST_IF)));
    TRY("none", setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &(int){0}, 4));
    TRY("a byte", setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, "", 1));
}
CASE(mtu_discover_datagrams) {
    static char big[3000];
    for (int mode = 0; mode <= 5; mode++) {
        int fd = udp();
        flag(fd, IPPROTO_IP, IP_MTU_DISCOVER, mode);
        connect_to(fd, peer_ip, ECHO_PORT);
        struct timeval t = {2, 0};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
        char what[32];
        snprintf(what, sizeof what, "mode %d, 3000 bytes", mode);
        TRY(what, send(fd, big, sizeof big, 0));
        snprintf(what, sizeof what, "mode %d, 1472 bytes", mode);
        TRY(what, send(fd, big, 1472, 0));
        TRY("echo", recv(fd, big, sizeof big, 0));
        snprintf(what, sizeof what, "mode %d, 1473 bytes", mode);
        TRY(what, send(fd, big, 1473, 0));
    }
}
CASE(mtu_discover_streams) {
    char buf[20000] = {0};
    for (int mode = 0; mode <= 5; mode++) {
        int fd = tcp();
        TRY("mode", setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode));
        connect_to(fd, peer_ip, ECHO_PORT);
        write(fd, buf, sizeof buf);
        TRY("echo", read_all(fd, buf, sizeof buf));
        say("IP_MTU", "%d", get(fd, IPPROTO_IP, IP_MTU));
    }
}
CASE(tos_and_ttl_as_bytes) {
    int fd = udp();
    TRY("tos", setsockopt(fd, IPPROTO_IP, IP_TOS, (unsigned char[]){0xb8}, 1));
    say("tos", "%d", get(fd, IPPROTO_IP, IP_TOS));
    TRY("ttl", setsockopt(fd, IPPROTO_IP, IP_TTL, (unsigned char[]){200}, 1));
    say("ttl", "%d", get(fd, IPPROTO_IP, IP_TTL));
    TRY("ttl 0", setsockopt(fd, IPPROTO_IP, IP_TTL, (unsigned char[]){0}, 1));
}
