/* Ports that several sockets share (SO_REUSEADDR, SO_REUSEPORT; socket(7), inet_csk_bind_conflict, udp_lib_lport_inuse), and
 * sockets on one device (SO_BINDTODEVICE, SO_BINDTOIFINDEX). */
#include "case.h"
#include <net/if.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

static const struct in_addr any = {INADDR_ANY};

static int with(int type, int reuseaddr, int reuseport) {
    int fd = socket(AF_INET, type, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuseaddr, sizeof reuseaddr);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuseport, sizeof reuseport);
    return fd;
}

/* Two sockets with each of the four settings, on the same address, the wildcard, and both. */
static void matrix(int type, int listening) {
    int port = listening ? 7600 : 7500;
    for (int pair = 0; pair < 3; pair++)
        for (int i = 0; i < 16; i++) {
            int a = with(type, i & 1, i >> 1 & 1), b = with(type, i >> 2 & 1, i >> 3 & 1);
            port++;
            if (bind_to(a, pair == 1 ? any : own_ip, port) < 0) printf("first: %s\n", strerrorname_np(errno));
            if (listening && listen(a, 5) < 0) printf("first listen: %s\n", strerrorname_np(errno));
            int r = bind_to(b, pair == 0 ? own_ip : any, port), e = errno;
            int l = r == 0 && type == SOCK_STREAM ? listen(b, 5) : 0;
            printf("pair %d, first %s%s, second %s%s: %s%s\n", pair, i & 1 ? "A" : "-", i & 2 ? "P" : "-", i & 4 ? "A" : "-",
                   i & 8 ? "P" : "-", r < 0 ? strerrorname_np(e) : "ok", l < 0 ? ", listen fails" : "");
            close(a);
            close(b);
        }
}

CASE(reuse_matrix_udp) { matrix(SOCK_DGRAM, 0); }
CASE(reuse_matrix_bound_streams) { matrix(SOCK_STREAM, 0); }
CASE(reuse_matrix_listeners) { matrix(SOCK_STREAM, 1); }

CASE(reuse_listen_conflict) {
    /* Bound together with SO_REUSEADDR, only one may listen. */
    int a = with(SOCK_STREAM, 1, 0), b = with(SOCK_STREAM, 1, 0);
    OK("bind", bind_to(a, any, 7700));
    OK("bind", bind_to(b, any, 7700));
    OK("listen", listen(a, 5));
    OK("listen", listen(b, 5));
    close(a);
    OK("listen later", listen(b, 5));
    int c = with(SOCK_STREAM, 0, 1), d = with(SOCK_STREAM, 0, 1);
    OK("bind", bind_to(c, any, 7701));
    OK("bind", bind_to(d, any, 7701));
    OK("listen", listen(c, 5));
    OK("listen", listen(d, 5));
    int e = with(SOCK_STREAM, 1, 0);
    OK("bind a third without SO_REUSEPORT", bind_to(e, any, 7701));
}

CASE(reuseport_streams) {
    /* Connections go to every listener of the group, and each to one. */
    int l[3], got[3] = {0}, total = 0;
    for (int i = 0; i < 3; i++) {
        l[i] = with(SOCK_STREAM, 0, 1);
        OK("bind", bind_to(l[i], any, 7710));
        OK("listen", listen(l[i], 64));
        nonblocking(l[i]);
    }
    for (int i = 0; i < 40; i++) close(tell_peer("fin", 7710, "x"));
    for (int turn = 0; turn < 100 && total < 40; turn++) {
        for (int i = 0; i < 3; i++)
            for (int fd; (fd = accept(l[i], NULL, NULL)) >= 0; close(fd)) got[i]++, total++;
        usleep(20000);
    }
    say("connections", "%d, each listener has some: %d", total, got[0] && got[1] && got[2]);
    close(l[0]);
    total = 0;
    for (int i = 0; i < 20; i++) close(tell_peer("fin", 7710, "x"));
    for (int turn = 0; turn < 100 && total < 20; turn++) {
        for (int i = 1; i < 3; i++)
            for (int fd; (fd = accept(l[i], NULL, NULL)) >= 0; close(fd)) total++;
        usleep(20000);
    }
    say("without the first", "%d", total);
}

CASE(reuseport_datagrams) {
    int s[3], got[3] = {0}, total = 0;
    for (int i = 0; i < 3; i++) {
        s[i] = with(SOCK_DGRAM, 0, 1);
        OK("bind", bind_to(s[i], any, 7711));
        nonblocking(s[i]);
    }
    for (int i = 0; i < 40; i++) close(tell_peer("udp", 7711, "x"));
    char b[8];
    for (int turn = 0; turn < 100 && total < 40; turn++) {
        for (int i = 0; i < 3; i++)
            while (recv(s[i], b, sizeof b, 0) > 0) got[i]++, total++;
        usleep(20000);
    }
    say("datagrams", "%d, each socket has some: %d", total, got[0] && got[1] && got[2]);
    /* A connected one is served first. */
    int c = with(SOCK_DGRAM, 0, 1), sender = udp();
    struct sockaddr_in a = at(own_ip, 0), to = at(own_ip, 7711);
    socklen_t len = sizeof a;
    bind(sender, (void *)&a, sizeof a);
    getsockname(sender, (void *)&a, &len);
    OK("bind", bind_to(c, own_ip, 7711));
    OK("connect", connect(c, (void *)&a, sizeof a));
    TRY("send", sendto(sender, "y", 1, 0, (void *)&to, sizeof to));
    settle();
    nonblocking(c);
    TRY("connected", recv(c, b, sizeof b, 0));
}

CASE(reuseport_flow_stays) {
    /* All datagrams of one flow go to one socket. */
    int s[4], sender = udp(), with_some = 0;
    struct sockaddr_in to = at(own_ip, 7712);
    for (int i = 0; i < 4; i++) {
        s[i] = with(SOCK_DGRAM, 0, 1);
        OK("bind", bind_to(s[i], any, 7712));
        nonblocking(s[i]);
    }
    for (int i = 0; i < 20; i++) sendto(sender, "x", 1, 0, (void *)&to, sizeof to);
    settle();
    char b[8];
    for (int i = 0; i < 4; i++) {
        int n = 0;
        while (recv(s[i], b, sizeof b, 0) > 0) n++;
        if (n > 0) with_some++;
    }
    say("sockets with datagrams", "%d", with_some);
}

CASE(reuse_options_read) {
    int fd = udp(), v = 5;
    socklen_t len = sizeof v;
    int names[] = {SO_REUSEADDR, SO_REUSEPORT, SO_BROADCAST};
    for (int i = 0; i < 3; i++) {
        OK("get", getsockopt(fd, SOL_SOCKET, names[i], &v, &len));
        say("value", "%d", v);
        v = 7;
        OK("set 7", setsockopt(fd, SOL_SOCKET, names[i], &v, sizeof v));
        OK("get", getsockopt(fd, SOL_SOCKET, names[i], &v, &len));
        say("value", "%d", v);
        OK("set short", setsockopt(fd, SOL_SOCKET, names[i], &v, 3));
    }
}

static unsigned device(char *name) {
    unsigned n = if_nametoindex("matnet0");
    strcpy(name, n ? "matnet0" : "veth0");
    return n ? n : if_nametoindex("veth0");
}

CASE(bindtodevice_own) {
    char name[16], got[16] = "";
    int index = (int)device(name), v = -1, fd = udp();
    socklen_t len = sizeof got;
    OK("get", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    say("none", "%u bytes", len);
    OK("bind", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)));
    len = sizeof got;
    OK("get", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    say("ours", "%d, %d", strcmp(got, name) == 0, len == strlen(name) + 1);
    len = 4;
    OK("get without room", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    OK("index", getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, &len));
    say("index", "%d", v == index);
    struct sockaddr_in to = at(peer_ip, ECHO_PORT);
    char b[8];
    TRY("send", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    TRY("echo", recv(fd, b, sizeof b, 0));
    OK("nothing", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    OK("index", getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, &len));
    say("index", "%d", v);
    OK("by index", setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, sizeof index));
    len = sizeof got;
    OK("get", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    say("ours", "%d", strcmp(got, name) == 0);
    v = -1;
    OK("index -1", setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, sizeof v));
    v = 0;
    OK("index 0", setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, sizeof v));
    OK("three bytes", setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, 3));
    OK("no such device", setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "nothing0", 8));
    int t = tcp();
    OK("a stream", setsockopt(t, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)));
    OK("connect", connect_to(t, peer_ip, HELLO));
    TRY("read", read_all(t, b, 5));
}

/* The kernel takes any index without a look (sock_bindtoindex_locked); nothing leaves such a socket. */
CASE(bindtoifindex_of_nothing) {
    int v = 54321, fd = udp(), t = tcp();
    char got[16];
    socklen_t len = sizeof v;
    OK("set", setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, sizeof v));
    v = 0;
    OK("get", getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, &len));
    say("index", "%d", v);
    len = sizeof got;
    OK("name", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    struct sockaddr_in to = at(peer_ip, ECHO_PORT);
    TRY("send", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    OK("connect", connect_to(fd, peer_ip, ECHO_PORT));
    v = 54321;
    OK("a stream", setsockopt(t, SOL_SOCKET, SO_BINDTOIFINDEX, &v, sizeof v));
    OK("connect", connect_to(t, peer_ip, HELLO));
    v = 0;
    OK("nothing", setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &v, sizeof v));
    len = sizeof got;
    OK("name", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    say("none", "%u bytes", len);
    TRY("send", sendto(fd, "x", 1, 0, (void *)&to, sizeof to));
    char b[8];
    TRY("echo", recv(fd, b, sizeof b, 0));
    OK("nothing", setsockopt(t, SOL_SOCKET, SO_BINDTOIFINDEX, &v, sizeof v));
    OK("connect", connect_to(t, peer_ip, HELLO));
}

CASE(bindtodevice_lo) {
    int a = udp(), b = udp();
    struct in_addr lo = {htonl(INADDR_LOOPBACK)};
    OK("lo", setsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    char got[16] = "";
    socklen_t len = sizeof got;
    OK("get", getsockopt(a, SOL_SOCKET, SO_BINDTODEVICE, got, &len));
    say("device", "%s", got);
    OK("bind", bind_to(a, any, 7720));
    struct sockaddr_in to = at(lo, 7720);
    TRY("send", sendto(b, "x", 1, 0, (void *)&to, sizeof to));
    sleep_until_readable(a);
    TRY("received", recv(a, got, sizeof got, MSG_DONTWAIT));
}
