/* AF_INET6 sockets: v4-mapped addresses, both families on one port, IPV6_V6ONLY, and IPv6 destinations where there is no IPv6 network. */
#include "case.h"

static struct sockaddr_in6 six(const char *text, int port, unsigned scope) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_scope_id = scope};
    if (inet_pton(AF_INET6, text, &a.sin6_addr) != 1) exit(3);
    return a;
}

static int tcp6(void) { return socket(AF_INET6, SOCK_STREAM, 0); }
static int udp6(void) { return socket(AF_INET6, SOCK_DGRAM, 0); }

static int bind6(int fd, const char *text, int port) {
    struct sockaddr_in6 a = six(text, port, 0);
    return bind(fd, (void *)&a, sizeof a);
}

static int connect6(int fd, const char *text, int port) {
    struct sockaddr_in6 a = six(text, port, 0);
    return connect(fd, (void *)&a, sizeof a);
}

static int v6only(int fd, int on) { return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on); }

static int port_of(int fd) {
    struct sockaddr_in6 a;
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    return ntohs(a.sin6_port);
}

static void name(const char *what, int fd, int (*get)(int, struct sockaddr *, socklen_t *)) {
    struct sockaddr_in6 a = {0};
    socklen_t len = sizeof a;
    char text[64] = "";
    if (get(fd, (void *)&a, &len) < 0) {
        say(what, "%s", strerrorname_np(errno));
        return;
    }
    if (a.sin6_family == AF_INET6) inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text);
    else inet_ntop(AF_INET, &((struct sockaddr_in *)&a)->sin_addr, text, sizeof text);
    say(what, "family %d, %u bytes, %s, %s", a.sin6_family, len, text, a.sin6_port ? "a port" : "no port");
}

CASE(ipv6_mapped_connect) {
    int fd = tcp6();
    struct sockaddr_in6 a = mapped(peer_ip, ECHO_PORT);
    char buf[8];
    name("fresh", fd, getsockname);
    name("no peer", fd, getpeername);
    TRY("connect", connect(fd, (void *)&a, sizeof a));
    TRY("send", send(fd, "mapped", 6, 0));
    TRY("echo", read_all(fd, buf, 6));
    name("own", fd, getsockname);
    name("peer", fd, getpeername);
}

CASE(ipv6_mapped_refused) {
    struct sockaddr_in6 a = mapped(peer_ip, CLOSED);
    TRY("nobody listens", connect(tcp6(), (void *)&a, sizeof a));
}

CASE(ipv6_dual_accept) {
    int l = tcp6(), c = tcp();
    TRY("bind", bind6(l, "::", 0));
    TRY("listen", listen(l, 4));
    name("listener", l, getsockname);
    TRY("an IPv4 client", connect_to(c, own_ip, port_of(l)));
    struct sockaddr_in6 a;
    socklen_t len = sizeof a;
    char text[64];
    int s = accept(l, (void *)&a, &len);
    say("accepted", "family %d, %u bytes, %s", a.sin6_family, len, inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text));
    name("own", s, getsockname);
    name("peer", s, getpeername);
    len = 16;
    TRY("a short name", getpeername(s, (void *)&a, &len));
    say("its length", "%u", len);
}

CASE(ipv6_dual_loopback) {
    int l = tcp6(), c = tcp(), d = tcp6();
    TRY("bind", bind6(l, "::", 0));
    TRY("listen", listen(l, 4));
    TRY("127.0.0.1", connect_to(c, (struct in_addr){htonl(INADDR_LOOPBACK)}, port_of(l)));
    name("accepted", accept(l, NULL, NULL), getpeername);
    TRY("::1", connect6(d, "::1", port_of(l)));
    name("accepted", accept(l, NULL, NULL), getpeername);
    close(l);
    TRY("closed", connect6(tcp6(), "::1", port_of(d)));
}

CASE(ipv6_v6only_loopback) {
    int l = tcp6();
    TRY("v6only", v6only(l, 1));
    TRY("bind", bind6(l, "::", 0));
    TRY("listen", listen(l, 4));
    TRY("127.0.0.1", connect_to(tcp(), (struct in_addr){htonl(INADDR_LOOPBACK)}, port_of(l)));
    TRY("own address", connect_to(tcp(), own_ip, port_of(l)));
    TRY("::1", connect6(tcp6(), "::1", port_of(l)));
    name("accepted", accept(l, NULL, NULL), getpeername);
}

CASE(ipv6_v6only_beside_ipv4) {
    int a = tcp(), b = tcp6(), c = tcp6();
    TRY("0.0.0.0", bind_to(a, (struct in_addr){0}, 0));
    int port = port_of(a);
    TRY("[::] for both", bind6(b, "::", port));
    TRY("v6only", v6only(c, 1));
    TRY("[::] alone", bind6(c, "::", port));
    TRY("listen", listen(a, 4));
    TRY("listen", listen(c, 4));
    TRY("IPv4 client", connect_to(tcp(), (struct in_addr){htonl(INADDR_LOOPBACK)}, port));
    TRY("IPv6 client", connect6(tcp6(), "::1", port));
    ready("IPv4", a);
    ready("IPv6", c);
}

CASE(ipv6_dual_takes_ipv4_port) {
    int a = tcp6(), b = tcp(), u = udp6(), v = udp();
    TRY("[::]", bind6(a, "::", 0));
    TRY("0.0.0.0", bind_to(b, (struct in_addr){0}, port_of(a)));
    TRY("own address", bind_to(b, own_ip, port_of(a)));
    TRY("udp [::]", bind6(u, "::", 0));
    TRY("udp 0.0.0.0", bind_to(v, (struct in_addr){0}, port_of(u)));
}

CASE(ipv6_v6only_and_mapped) {
    int fd = tcp6(), u = udp6();
    struct sockaddr_in6 own = mapped(own_ip, 0), peer = mapped(peer_ip, ECHO_PORT);
    v6only(fd, 1), v6only(u, 1);
    TRY("bind", bind(fd, (void *)&own, sizeof own));
    TRY("connect", connect(fd, (void *)&peer, sizeof peer));
    TRY("udp bind", bind(u, (void *)&own, sizeof own));
    TRY("udp sendto", sendto(u, "x", 1, 0, (void *)&peer, sizeof peer));
    TRY("udp connect", connect(u, (void *)&peer, sizeof peer));
}

CASE(ipv6_v6only_option) {
    int fd = tcp6(), v = 9;
    socklen_t len = sizeof v;
    TRY("get", getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len));
    say("default", "%d", v);
    TRY("on", v6only(fd, 7));
    getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, &len);
    say("is", "%d", v);
    TRY("short", setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v, 3));
    TRY("bind", bind6(fd, "::", 0));
    TRY("too late", v6only(fd, 0));
    TRY("on an IPv4 socket", v6only(tcp(), 1));
}

CASE(ipv6_unreachable) {
    int fd = tcp6(), u = udp6();
    struct sockaddr_in6 a = six("2001:db8::1", 80, 0);
    struct iovec io = {"x", 1};
    struct msghdr m = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = &io, .msg_iovlen = 1};
    struct mmsghdr mm = {.msg_hdr = m};
    TRY("connect", connect(fd, (void *)&a, sizeof a));
    say("error left", "%d", pending_error(fd));
    nonblocking(fd);
    TRY("without waiting", connect(fd, (void *)&a, sizeof a));
    ready("after it", fd);
    TRY("udp connect", connect(u, (void *)&a, sizeof a));
    TRY("sendto", sendto(u, "x", 1, 0, (void *)&a, sizeof a));
    TRY("sendmsg", sendmsg(u, &m, 0));
    TRY("sendmmsg", sendmmsg(u, &mm, 1, 0));
    struct sockaddr_in6 b = mapped(peer_ip, ECHO_PORT);
    TRY("IPv4 instead", connect(fd, (void *)&b, sizeof b) < 0 && errno != EINPROGRESS ? -1 : 0);
}

CASE(ipv6_multicast_stream) {
    TRY("connect ff02::1", connect6(tcp6(), "ff02::1", 80));
    TRY("connect ff0e::1", connect6(tcp6(), "ff0e::1", 80));
    TRY("bind", bind6(tcp6(), "ff02::1", 0));
}

CASE(ipv6_link_local) {
    struct sockaddr_in6 a = six("fe80::1234", 80, 4711);
    TRY("connect without scope", connect6(tcp6(), "fe80::1234", 80));
    TRY("connect by no device", connect(tcp6(), (void *)&a, sizeof a));
    TRY("udp connect without scope", connect6(udp6(), "fe80::1234", 80));
    TRY("sendto by no device", sendto(udp6(), "x", 1, 0, (void *)&a, sizeof a));
    TRY("bind without scope", bind6(tcp6(), "fe80::1234", 0));
    TRY("bind to no device", bind(tcp6(), (void *)&a, sizeof a));
    TRY("udp bind without scope", bind6(udp6(), "fe80::1234", 0));
}

CASE(ipv6_bind_foreign) {
    struct sockaddr_in6 m = mapped(peer_ip, 0);
    TRY("2001:db8::1", bind6(tcp6(), "2001:db8::1", 0));
    TRY("udp 2001:db8::1", bind6(udp6(), "2001:db8::1", 0));
    TRY("mapped, the peer's", bind(tcp6(), (void *)&m, sizeof m));
    TRY("udp mapped, the peer's", bind(udp6(), (void *)&m, sizeof m));
}

CASE(ipv6_bind_mapped) {
    int fd = tcp6(), u = udp6();
    struct sockaddr_in6 m = mapped(own_ip, 0);
    TRY("bind", bind(fd, (void *)&m, sizeof m));
    name("own", fd, getsockname);
    TRY("listen", listen(fd, 2));
    TRY("client", connect_to(tcp(), own_ip, port_of(fd)));
    name("accepted", accept(fd, NULL, NULL), getsockname);
    TRY("udp bind", bind(u, (void *)&m, sizeof m));
    name("own", u, getsockname);
    TRY("bind again", bind(u, (void *)&m, sizeof m));
}

CASE(ipv6_loopback_own) {
    int l = tcp6(), c = tcp6();
    char b[4];
    TRY("bind", bind6(l, "::1", 0));
    TRY("listen", listen(l, 2));
    name("own", l, getsockname);
    TRY("connect", connect6(c, "::1", port_of(l)));
    int s = accept(l, NULL, NULL);
    name("peer", s, getpeername);
    TRY("send", send(c, "six", 3, 0));
    TRY("recv", recv(s, b, 3, 0));
    TRY("nobody", connect6(tcp6(), "::1", 1));
}

CASE(ipv6_wildcard_is_loopback) {
    int l = tcp6(), c = tcp6();
    TRY("bind", bind6(l, "::1", 0));
    TRY("listen", listen(l, 2));
    TRY("connect to ::", connect6(c, "::", port_of(l)));
    name("peer", c, getpeername);
}

CASE(ipv6_address_checks) {
    int fd = tcp6(), u = udp6();
    struct sockaddr_in6 a = mapped(peer_ip, ECHO_PORT), w = six("::", 0, 0);
    struct sockaddr_in four = at(peer_ip, ECHO_PORT);
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } wide = {.in = four};
    TRY("bind, 16 bytes", bind(fd, (void *)&w, 16));
    TRY("bind, 24 bytes", bind(fd, (void *)&w, 24));
    TRY("bind, AF_INET", bind(u, (void *)&wide, sizeof wide));
    TRY("connect, 16 bytes", connect(fd, (void *)&four, sizeof four));
    TRY("connect, AF_INET", connect(fd, (void *)&wide, sizeof wide));
    TRY("connect, 24 bytes", connect(fd, (void *)&a, 24));
    TRY("udp connect, 16 bytes", connect(u, (void *)&a, 16));
    TRY("udp sendto, AF_INET", sendto(u, "four", 4, 0, (void *)&four, sizeof four));
    sleep_until_readable(u);
    char b[8];
    struct sockaddr_in6 from;
    socklen_t len = sizeof from;
    TRY("echo", recvfrom(u, b, 8, MSG_DONTWAIT, (void *)&from, &len));
    say("from", "family %d, %u bytes", from.sin6_family, len);
    TRY("udp connect, AF_INET", connect(u, (void *)&four, sizeof four));
    name("peer", u, getpeername);
}

CASE(ipv6_udp_mapped) {
    int u = udp6();
    struct sockaddr_in6 a = mapped(peer_ip, ECHO_PORT), from;
    socklen_t len = sizeof from;
    char b[8], text[64];
    TRY("sendto", sendto(u, "abc", 3, 0, (void *)&a, sizeof a));
    name("own", u, getsockname);
    sleep_until_readable(u);
    TRY("recvfrom", recvfrom(u, b, 8, MSG_DONTWAIT, (void *)&from, &len));
    say("from", "%s port %d, %u bytes", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text), ntohs(from.sin6_port), len);
    TRY("connect", connect(u, (void *)&a, sizeof a));
    name("own", u, getsockname);
    name("peer", u, getpeername);
    TRY("send", send(u, "de", 2, 0));
    sleep_until_readable(u);
    TRY("recv", recv(u, b, 8, MSG_DONTWAIT));
}

CASE(ipv6_udp_dual_loopback) {
    int u = udp6(), v = udp(), w = udp6();
    char b[8], text[64];
    TRY("bind", bind6(u, "::", 0));
    struct sockaddr_in a = at((struct in_addr){htonl(INADDR_LOOPBACK)}, port_of(u));
    struct sockaddr_in6 s = six("::1", port_of(u), 0), from;
    socklen_t len = sizeof from;
    TRY("127.0.0.1", sendto(v, "four", 4, 0, (void *)&a, sizeof a));
    TRY("recvfrom", recvfrom(u, b, 8, 0, (void *)&from, &len));
    say("from", "%s", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
    TRY("back", sendto(u, "b", 1, 0, (void *)&from, len));
    TRY("recv", recv(v, b, 8, 0));
    TRY("::1", sendto(w, "sixsix", 6, 0, (void *)&s, sizeof s));
    TRY("recvfrom", recvfrom(u, b, 8, 0, (void *)&from, &len));
    say("from", "%s", inet_ntop(AF_INET6, &from.sin6_addr, text, sizeof text));
    TRY("back", sendto(u, "b", 1, 0, (void *)&from, len));
    TRY("recv", recv(w, b, 8, 0));
}

static void addrform(const char *what, int fd, int family) {
    TRY(what, setsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &family, sizeof family));
}

CASE(ipv6_addrform) {
    int fd = tcp6(), v;
    socklen_t len = sizeof v;
    struct sockaddr_in6 a = mapped(peer_ip, ECHO_PORT);
    char b[8];
    addrform("not connected", fd, AF_INET);
    TRY("get", getsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &v, &len));
    TRY("connect", connect(fd, (void *)&a, sizeof a));
    TRY("get", getsockopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, &v, &len));
    say("is", "%d", v);
    addrform("to AF_INET6", fd, AF_INET6);
    addrform("to AF_INET", fd, AF_INET);
    name("own", fd, getsockname);
    name("peer", fd, getpeername);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &v, &len);
    say("SO_DOMAIN", "%d", v);
    addrform("again", fd, AF_INET);
    TRY("send", send(fd, "form", 4, 0));
    TRY("echo", read_all(fd, b, 4));
}

CASE(ipv6_addrform_udp) {
    int u = udp6();
    struct sockaddr_in6 a = mapped(peer_ip, ECHO_PORT);
    char b[8];
    addrform("not connected", u, AF_INET);
    TRY("connect", connect(u, (void *)&a, sizeof a));
    addrform("to AF_INET", u, AF_INET);
    name("peer", u, getpeername);
    TRY("send", send(u, "form", 4, 0));
    sleep_until_readable(u);
    struct sockaddr_in6 from;
    socklen_t len = sizeof from;
    TRY("recvfrom", recvfrom(u, b, 8, MSG_DONTWAIT, (void *)&from, &len));
    say("from", "family %d, %u bytes", from.sin6_family, len);
    addrform("on an IPv4 socket", udp(), AF_INET);
}
