/* getsockname, getpeername: families, v4-mapped, wildcards, cut lengths. */
#include "case.h"

static void show(const char *what, int r, struct sockaddr_storage *a, socklen_t len) {
    if (r < 0) {
        say(what, "%s", strerrorname_np(errno));
        return;
    }
    char text[64] = "?";
    int port = 0;
    if (a->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((struct sockaddr_in *)a)->sin_addr, text, sizeof text);
        port = ((struct sockaddr_in *)a)->sin_port;
    } else if (a->ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)a)->sin6_addr, text, sizeof text);
        port = ((struct sockaddr_in6 *)a)->sin6_port;
    }
    say(what, "family %d length %u %s port %s", a->ss_family, len, text, port ? "yes" : "0");
}

static void own(const char *what, int fd) {
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;
    int r = getsockname(fd, (void *)&a, &len);
    show(what, r, &a, len);
}

static void peer(const char *what, int fd) {
    struct sockaddr_storage a = {0};
    socklen_t len = sizeof a;
    int r = getpeername(fd, (void *)&a, &len);
    show(what, r, &a, len);
}

CASE(sockname_stream) {
    int fd = tcp();
    own("fresh", fd);
    peer("fresh, peer", fd);
    bind_to(fd, own_ip, 0);
    own("bound", fd);
    connect_to(fd, peer_ip, ECHO_PORT);
    own("connected", fd);
    peer("connected, peer", fd);
    shutdown(fd, SHUT_RDWR);
    settle();
    peer("peer after shutdown", fd);
    own("own after shutdown", fd);
}

CASE(sockname_lengths) {
    int fd = dial(ECHO_PORT);
    struct sockaddr_in a;
    memset(&a, 0xee, sizeof a);
    socklen_t len = 3;
    TRY("cut", getsockname(fd, (void *)&a, &len));
    say("cut", "length %u, untouched %x", len, ((unsigned char *)&a)[3]);
    len = 0;
    TRY("no room", getpeername(fd, (void *)&a, &len));
    say("length", "%u", len);
    len = 200;
    TRY("more than needed", getpeername(fd, (void *)&a, &len));
    say("length", "%u", len);
    len = (socklen_t)-5;
    TRY("negative length", getsockname(fd, (void *)&a, &len));
    TRY("negative length, peer", getpeername(fd, (void *)&a, &len));
}

CASE(sockname_datagram) {
    int fd = udp();
    own("fresh UDP", fd);
    peer("fresh UDP, peer", fd);
    connect_to(fd, peer_ip, ECHO_PORT);
    own("connected UDP", fd);
    peer("connected UDP, peer", fd);
    fd = udp();
    struct sockaddr_in a = at(peer_ip, ECHO_PORT);
    sendto(fd, "x", 1, 0, (void *)&a, sizeof a);
    own("UDP after sendto", fd);
}

CASE(sockname_accepted) {
    int port, l = listener(&port);
    own("listener", l);
    peer("listener, peer", l);
    tell_peer("connect", port, "x");
    int s = accept(l, NULL, NULL);
    own("accepted", s);
    peer("accepted, peer", s);
}

CASE(sockname_after_reset) {
    int fd = dial(RESET);
    settle();
    peer("after a reset", fd);
    own("after a reset", fd);
    pending_error(fd);
    peer("error taken", fd);
}

CASE(mapped_connect) {
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    own("fresh v6", fd);
    struct sockaddr_in6 m = mapped(peer_ip, ECHO_PORT);
    TRY("connect v4-mapped", connect(fd, (void *)&m, sizeof m));
    own("mapped", fd);
    peer("mapped, peer", fd);
    TRY("it carries data", write(fd, "abc", 3));
    char buf[8];
    TRY("and back", read(fd, buf, sizeof buf));
    close(fd);
    fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in plain = at(peer_ip, ECHO_PORT);
    TRY("v6 socket, v4 address", connect(fd, (void *)&plain, sizeof plain));
}

CASE(mapped_v6only) {
    int fd = socket(AF_INET6, SOCK_STREAM, 0), one = 1;
    struct sockaddr_in6 m = mapped(peer_ip, ECHO_PORT);
    TRY("V6ONLY", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one));
    TRY("V6ONLY, v4-mapped", connect(fd, (void *)&m, sizeof m));
}

CASE(mapped_listener) {
    int one = 1, l = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6};
    TRY("bind ::", bind(l, (void *)&any, sizeof any));
    own("bound to ::", l);
    TRY("listen", listen(l, 4));
    socklen_t len = sizeof any;
    getsockname(l, (void *)&any, &len);
    int port = ntohs(any.sin6_port);
    tell_peer("connect", port, "x");
    struct sockaddr_storage from;
    len = sizeof from;
    int s = accept(l, (void *)&from, &len);
    show("accepted from", s, &from, len);
    own("accepted, own", s);
    peer("accepted, peer", s);
    TRY("V6ONLY too late", setsockopt(l, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one));
    TRY("0.0.0.0 on the same port", bind_to(tcp(), (struct in_addr){0}, port));
}

CASE(mapped_datagram) {
    char buf[8];
    struct sockaddr_storage from;
    struct sockaddr_in6 m = mapped(peer_ip, ECHO_PORT);
    int fd = socket(AF_INET6, SOCK_DGRAM, 0);
    TRY("UDP v4-mapped", sendto(fd, "dgram", 5, 0, (void *)&m, sizeof m));
    sleep_until_readable(fd);
    socklen_t len = sizeof from;
    TRY("UDP back", recvfrom(fd, buf, sizeof buf, 0, (void *)&from, &len));
    show("UDP from", 0, &from, len);
}

CASE(v6only_beside_v4) {
    int one = 1, x = socket(AF_INET6, SOCK_STREAM, 0), y = tcp();
    setsockopt(x, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(4444)};
    TRY("[::] V6ONLY", bind(x, (void *)&any, sizeof any));
    TRY("beside 0.0.0.0", bind_to(y, (struct in_addr){0}, 4444));
    TRY("both listen", listen(x, 1) + listen(y, 1));
}
