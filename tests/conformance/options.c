/* getsockopt and setsockopt: defaults, what is given back, ranges, lengths. More by topic in options_socket.c, options_ip.c and options_tcp.c. */
#include "case.h"

static void get(const char *what, int fd, int level, int name) {
    int v = -999;
    socklen_t len = sizeof v;
    if (getsockopt(fd, level, name, &v, &len) < 0) say(what, "%s", strerrorname_np(errno));
    else say(what, "%d length %u", v, len);
}

static void set(const char *what, int fd, int level, int name, int v) {
    char text[96];
    snprintf(text, sizeof text, "%s = %d", what, v);
    TRY(text, setsockopt(fd, level, name, &v, sizeof v));
    get(what, fd, level, name);
}

#define GET(fd, level, name) get(#name, fd, level, name)
#define SET(fd, level, name, v) set(#name, fd, level, name, v)

CASE(option_kind) {
    int fd = tcp(), u = udp(), port;
    GET(fd, SOL_SOCKET, SO_TYPE);
    GET(fd, SOL_SOCKET, SO_DOMAIN);
    GET(fd, SOL_SOCKET, SO_PROTOCOL);
    GET(u, SOL_SOCKET, SO_TYPE);
    GET(u, SOL_SOCKET, SO_PROTOCOL);
    GET(fd, SOL_SOCKET, SO_ACCEPTCONN);
    GET(listener(&port), SOL_SOCKET, SO_ACCEPTCONN);
    GET(fd, SOL_SOCKET, SO_ERROR);
    SET(fd, SOL_SOCKET, SO_TYPE, 1);
    GET(socket(AF_INET6, SOCK_STREAM, 0), SOL_SOCKET, SO_DOMAIN);
}

CASE(option_flags) {
    int fd = tcp(), u = udp();
    SET(fd, SOL_SOCKET, SO_REUSEADDR, 5);
    SET(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    SET(fd, SOL_SOCKET, SO_KEEPALIVE, -1);
    SET(fd, SOL_SOCKET, SO_BROADCAST, 1);
    SET(u, SOL_SOCKET, SO_BROADCAST, 1);
    SET(u, SOL_SOCKET, SO_KEEPALIVE, 1);
    SET(fd, SOL_SOCKET, SO_OOBINLINE, 1);
    SET(fd, SOL_SOCKET, SO_PRIORITY, 3);
}

CASE(option_low_water) {
    int fd = tcp();
    GET(fd, SOL_SOCKET, SO_SNDLOWAT);
    SET(fd, SOL_SOCKET, SO_SNDLOWAT, 5);
    SET(fd, SOL_SOCKET, SO_RCVLOWAT, 0);
    SET(fd, SOL_SOCKET, SO_RCVLOWAT, 17);
}

CASE(option_buffers) {
    int fd = tcp(), u = udp();
    SET(fd, SOL_SOCKET, SO_RCVBUF, 30000);
    SET(fd, SOL_SOCKET, SO_SNDBUF, 30000);
    SET(fd, SOL_SOCKET, SO_RCVBUF, 1);
    SET(fd, SOL_SOCKET, SO_SNDBUF, 1);
    SET(u, SOL_SOCKET, SO_RCVBUF, 100000);
    SET(u, SOL_SOCKET, SO_SNDBUF, 0);
    GET(udp(), SOL_SOCKET, SO_RCVBUF);
    GET(tcp(), SOL_SOCKET, SO_RCVBUF);
    GET(tcp(), SOL_SOCKET, SO_SNDBUF);
}

CASE(option_unknown) {
    int fd = tcp(), u = udp(), v = 1;
    SET(fd, SOL_SOCKET, 9999, 1);
    SET(fd, 999, 1, 1);
    SET(fd, IPPROTO_TCP, 9999, 1);
    SET(fd, IPPROTO_IP, 9999, 1);
    SET(u, IPPROTO_TCP, TCP_NODELAY, 1);
    SET(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    TRY("setsockopt on a file", setsockopt(open("/dev/null", O_RDWR), SOL_SOCKET, SO_REUSEADDR, &v, sizeof v));
}

CASE(option_tcp_sending) {
    int fd = tcp();
    SET(fd, IPPROTO_TCP, TCP_NODELAY, 7);
    SET(fd, IPPROTO_TCP, TCP_CORK, 1);
    SET(fd, IPPROTO_TCP, TCP_CORK, 0);
    GET(fd, IPPROTO_TCP, TCP_QUICKACK);
    GET(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT);
    GET(fd, IPPROTO_TCP, TCP_LINGER2);
}

CASE(option_tcp_segment) {
    int fd = tcp();
    GET(fd, IPPROTO_TCP, TCP_MAXSEG);
    SET(fd, IPPROTO_TCP, TCP_MAXSEG, 87);
    SET(fd, IPPROTO_TCP, TCP_MAXSEG, 1000);
    SET(fd, IPPROTO_TCP, TCP_MAXSEG, 40000);
    GET(dial(ECHO_PORT), IPPROTO_TCP, TCP_MAXSEG);
}

CASE(option_tcp_times) {
    int fd = tcp();
    GET(fd, IPPROTO_TCP, TCP_KEEPIDLE);
    SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 40);
    SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 0);
    SET(fd, IPPROTO_TCP, TCP_KEEPIDLE, 32768);
    GET(fd, IPPROTO_TCP, TCP_KEEPINTVL);
    SET(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    GET(fd, IPPROTO_TCP, TCP_KEEPCNT);
    SET(fd, IPPROTO_TCP, TCP_KEEPCNT, 128);
    SET(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    GET(fd, IPPROTO_TCP, TCP_SYNCNT);
    SET(fd, IPPROTO_TCP, TCP_SYNCNT, 2);
    SET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
    SET(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, -1);
}

CASE(option_congestion) {
    int fd = tcp();
    char name[32] = "";
    socklen_t len = sizeof name;
    TRY("TCP_CONGESTION", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    say("length", "%u", len);
    TRY("reno", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    memset(name, 0, sizeof name);
    len = sizeof name;
    TRY("TCP_CONGESTION", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    say("name", "%s", name);
    TRY("no such algorithm", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
    TRY("empty name", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "", 0));
    len = 3;
    TRY("three bytes of a name", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    say("length", "%u", len);
}

/* SO_MAX_PACING_RATE: 32 bits or 64, as the length says; all bits of 32 are all of 64. */
static void pacing(const char *what, int fd) {
    unsigned long long rate = 0;
    socklen_t len = sizeof rate;
    TRY(what, getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &rate, &len));
    say("64 bits", "%llx, length %u", rate, len);
    unsigned narrow = 0;
    len = sizeof narrow;
    TRY(what, getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, &len));
    say("32 bits", "%x, length %u", narrow, len);
}

CASE(option_max_pacing_rate) {
    int fds[] = {tcp(), udp()};
    for (int i = 0; i < 2; i++) {
        unsigned narrow = 125000;
        unsigned long long wide = 0x123456789abULL;
        pacing("fresh", fds[i]);
        TRY("32 bits", setsockopt(fds[i], SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, sizeof narrow));
        pacing("125000", fds[i]);
        TRY("64 bits", setsockopt(fds[i], SOL_SOCKET, SO_MAX_PACING_RATE, &wide, sizeof wide));
        pacing("wide", fds[i]);
        narrow = ~0u;
        TRY("no limit", setsockopt(fds[i], SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, sizeof narrow));
        pacing("no limit", fds[i]);
        TRY("two bytes", setsockopt(fds[i], SOL_SOCKET, SO_MAX_PACING_RATE, &narrow, 2));
    }
}

/* TCP_CC_INFO: nothing for cubic and reno; room that is larger or smaller than nothing is the same. */
CASE(option_congestion_info) {
    int fd = tcp();
    const char *names[] = {"reno", "cubic"};
    for (int i = 0; i < 2; i++) {
        char info[64] = "x";
        socklen_t len = sizeof info;
        TRY(names[i], setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, names[i], strlen(names[i])));
        TRY("TCP_CC_INFO", getsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, info, &len));
        say("length", "%u, %c", len, info[0]);
    }
    TRY("to read only", setsockopt(fd, IPPROTO_TCP, TCP_CC_INFO, names, 4));
}

/* A name ends at its first zero, and what is longer than there is room for in the kernel is cut. */
CASE(option_congestion_names) {
    int fd = tcp();
    TRY("reno", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno\0and more that nobody reads", 30));
    char name[16] = "";
    socklen_t len = sizeof name;
    TRY("TCP_CONGESTION", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    say("name", "%s, length %u", name, len);
    TRY("sixteen characters", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubiccubiccubicc", 16));
    TRY("cubic", setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5));
    len = sizeof name;
    TRY("TCP_CONGESTION", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len));
    say("name", "%s", name);
}

CASE(option_ip) {
    int fd = tcp(), u = udp();
    GET(fd, IPPROTO_IP, IP_TTL);
    SET(fd, IPPROTO_IP, IP_TTL, 9);
    SET(fd, IPPROTO_IP, IP_TTL, 0);
    SET(fd, IPPROTO_IP, IP_TTL, 256);
    SET(fd, IPPROTO_IP, IP_TTL, -1);
    SET(fd, IPPROTO_IP, IP_TOS, 0x13);
    SET(u, IPPROTO_IP, IP_TOS, 0x13);
    SET(u, IPPROTO_IP, IP_RECVERR, 1);
    GET(u, IPPROTO_IP, IP_MTU_DISCOVER);
    SET(u, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
    SET(u, IPPROTO_IP, IP_MTU_DISCOVER, 9);
    GET(u, IPPROTO_IP, IP_MTU);
    connect_to(u, peer_ip, ECHO_PORT);
    GET(u, IPPROTO_IP, IP_MTU);
}

CASE(option_lengths) {
    int fd = tcp(), u = udp(), v = 1;
    unsigned char byte = 17, room[20] = {1};
    TRY("a byte of TTL", setsockopt(u, IPPROTO_IP, IP_TTL, &byte, 1));
    socklen_t len = 1;
    byte = 0;
    TRY("read as a byte", getsockopt(u, IPPROTO_IP, IP_TTL, &byte, &len));
    say("byte", "%d length %u", byte, len);
    TRY("short", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, 3));
    TRY("short, unknown", setsockopt(fd, SOL_SOCKET, 9999, &v, 3));
    TRY("short, TCP", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, 3));
    TRY("long", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, room, sizeof room));
    len = 2;
    TRY("cut", getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
    say("length", "%u", len);
    len = (socklen_t)-1;
    TRY("negative", getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &len));
}

CASE(option_linger) {
    int fd = tcp();
    struct linger l = {9, 9};
    socklen_t len = sizeof l;
    TRY("SO_LINGER", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
    say("linger", "%d %d length %u", l.l_onoff, l.l_linger, len);
    l = (struct linger){7, 5};
    TRY("set", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    TRY("get", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
    say("linger", "%d %d", l.l_onoff, l.l_linger);
    l = (struct linger){0, 8};
    TRY("off", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
    TRY("get", getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &len));
    say("linger", "%d %d", l.l_onoff, l.l_linger);
    TRY("short", setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4));
}

CASE(option_time_out) {
    int fd = tcp();
    struct timeval tv = {3, 240000};
    TRY("SO_SNDTIMEO", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv));
    tv = (struct timeval){0, 0};
    socklen_t len = sizeof tv;
    TRY("SO_SNDTIMEO", getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len));
    say("time", "%ld.%06ld", (long)tv.tv_sec, (long)tv.tv_usec);
}

CASE(option_ipv6) {
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    SET(six, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    SET(six, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    SET(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
    SET(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1);
    SET(six, IPPROTO_IPV6, IPV6_TCLASS, 16);
    SET(six, IPPROTO_IP, IP_TOS, 16);
}

CASE(option_tcp_info) {
    int c = dial(ECHO_PORT);
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    TRY("TCP_INFO", getsockopt(c, IPPROTO_TCP, TCP_INFO, &info, &len));
    say("established", "%d, mss set %d, rtt set %d, options %d", info.tcpi_state, info.tcpi_snd_mss > 500, info.tcpi_rtt > 0,
        info.tcpi_options & 7);
    len = 1;
    info.tcpi_state = 0;
    TRY("TCP_INFO, one byte", getsockopt(c, IPPROTO_TCP, TCP_INFO, &info, &len));
    say("state", "%d length %u", info.tcpi_state, len);
}
