/* UDP_SEGMENT and UDP_GRO: several datagrams in one send, and several received as one. */
#include "case.h"
#include <netinet/udp.h>

static char data[70000], in[70000];

static void pattern(void) {
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7 + i / 256);
}

/* Sends with UDP_SEGMENT in a control message whose data has `size` bytes. */
static ssize_t cut(int fd, size_t n, int segment, size_t size) {
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } c = {.header = {.cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT, .cmsg_len = CMSG_LEN(size)}};
    memcpy(CMSG_DATA(&c.header), &segment, size);
    struct iovec v[2] = {{data, n / 3}, {data + n / 3, n - n / 3}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_control = &c, .msg_controllen = CMSG_SPACE(size)};
    return sendmsg(fd, &m, 0);
}

static int two_bytes(int fd, size_t n, int segment) { return (int)cut(fd, n, segment, sizeof(uint16_t)); }

/* Receives one message, with room for `bytes` of it and for `control` bytes beside it. */
static void receive(const char *what, int fd, size_t bytes, size_t control) {
    union {
        char room[64];
        struct cmsghdr header;
    } c;
    memset(&c, 0x55, sizeof c);
    struct iovec v[2] = {{in, bytes / 2}, {in + bytes / 2, bytes - bytes / 2}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2, .msg_control = &c, .msg_controllen = control};
    errno = 0;
    long n = recvmsg(fd, &m, MSG_DONTWAIT);
    printf("%s: %s %ld control %zu flags %s%s", what, n < 0 ? strerrorname_np(errno) : "ok", n,
           n < 0 ? 0 : (size_t)m.msg_controllen, m.msg_flags & MSG_TRUNC ? "TRUNC " : "",
           m.msg_flags & MSG_CTRUNC ? "CTRUNC" : "");
    if (n >= 0 && m.msg_controllen >= sizeof c.header) {
        int size = -1;
        memcpy(&size, CMSG_DATA(&c.header), sizeof size);
        printf(" level %d type %d length %zu", c.header.cmsg_level, c.header.cmsg_type, (size_t)c.header.cmsg_len);
        if (c.header.cmsg_len == CMSG_LEN(sizeof size)) printf(" size %d", size);
    }
    putchar('\n');
}

static void option(int fd, const char *what, int name, int value) {
    int now = -1;
    socklen_t len = sizeof now;
    printf("%s %d: ", what, value);
    TRY("set", setsockopt(fd, SOL_UDP, name, &value, sizeof value));
    TRY("get", getsockopt(fd, SOL_UDP, name, &now, &len));
    say("now", "%d length %u", now, len);
}

CASE(udp_gso_options) {
    pattern();
    int fd = udp(), value = 5;
    socklen_t len = 2;
    for (int i = 0; i < 7; i++) option(fd, "segment", UDP_SEGMENT, (int[]){-1, 0, 1, 1472, 1473, 65535, 65536}[i]);
    for (int i = 0; i < 4; i++) option(fd, "gro", UDP_GRO, (int[]){7, 0, -1, 1}[i]);
    TRY("a short value", setsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, 2));
    TRY("a short answer", getsockopt(fd, SOL_UDP, UDP_GRO, &value, &len));
    say("length", "%u", len);
    int stream = tcp();
    TRY("on a stream", setsockopt(stream, SOL_UDP, UDP_SEGMENT, &value, sizeof value));
    close(stream);
    close(fd);
}

CASE(udp_gso_limits) {
    pattern();
    int fd = udp(), value;
    TRY("to nobody", two_bytes(fd, 4000, 1400));
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("fits the link", two_bytes(fd, 4000, 1472));
    TRY("does not", two_bytes(fd, 4000, 1473));
    TRY("only one, and short", two_bytes(fd, 1000, 1473));
    TRY("only one", two_bytes(fd, 1473, 1473));
    TRY("as an int", cut(fd, 10, 5, sizeof(int)));
    TRY("as a byte", cut(fd, 10, 5, 1));
    TRY("zero", two_bytes(fd, 10, 0));
    TRY("128", two_bytes(fd, 128, 1));
    TRY("129", two_bytes(fd, 129, 1));
    TRY("none", two_bytes(fd, 0, 10));
    TRY("largest", two_bytes(fd, 65507, 1400));
    TRY("too large", two_bytes(fd, 65508, 1400));
    TRY("much too large", two_bytes(fd, 65536, 1400));
    value = IP_PMTUDISC_DO;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value);
    TRY("DO", two_bytes(fd, 65507, 1400));
    TRY("DO does not fit", two_bytes(fd, 2000, 1473));
    value = IP_PMTUDISC_DONT;
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof value);
    TRY("DONT", two_bytes(fd, 4000, 1473));
    value = 1000;
    setsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, sizeof value);
    TRY("by the option", send(fd, data, 3000, 0));
    TRY("not this time", two_bytes(fd, 3000, 0));
    TRY("another size", two_bytes(fd, 3000, 24));
    TRY("too many", two_bytes(fd, 3000, 23));
    TRY("write", write(fd, data, 3000));
    TRY("too many by the option", (value = 1, setsockopt(fd, SOL_UDP, UDP_SEGMENT, &value, sizeof value), write(fd, data, 129)));
    TRY("SO_ERROR", pending_error(fd));
    close(fd);
}

/* To a socket of our own address: there they stay together. */
static void own(int gro) {
    pattern();
    int a = udp(), b = udp();
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    bind_to(b, own_ip, 0);
    getsockname(b, (void *)&to, &len);
    connect(a, (void *)&to, sizeof to);
    setsockopt(b, SOL_UDP, UDP_GRO, &gro, sizeof gro);
    say("UDP_GRO", "%d", gro);
    two_bytes(a, 4100, 1000);
    usleep(20000);
    int next = -1;
    ioctl(b, FIONREAD, &next);
    say("FIONREAD", "%d", next);
    receive("first", b, 5000, 64);
    say("its bytes", "%d", memcmp(in, data, gro ? 4100 : 1000) == 0);
    for (int i = 1; i < 6; i++) receive("more", b, 5000, 64);
    for (size_t room = 0; room <= 24; room += 4) {
        two_bytes(a, 1500, 1000);
        usleep(20000);
        receive("little room for control data", b, 700, room);
        receive("and the rest", b, 700, 64);
    }
    two_bytes(a, 1000, 1000);
    usleep(20000);
    receive("a single one", b, 5000, 64);
    receive("nothing more", b, 5000, 64);
    close(a);
    close(b);
}

/* To the peer, which gets each by itself and sends each back. */
static void echo(int segment, size_t n) {
    pattern();
    int fd = udp(), yes = 1, count = 0, wrong = 0;
    size_t got = 0;
    connect_to(fd, peer_ip, ECHO_PORT);
    setsockopt(fd, SOL_UDP, UDP_GRO, &yes, sizeof yes);
    TRY("to the peer", two_bytes(fd, n, segment));
    while (got < n) {
        sleep_until_readable(fd);
        ssize_t r = recv(fd, in, sizeof in, MSG_DONTWAIT);
        if (r <= 0) break;
        wrong += memcmp(in, data + got, (size_t)r) != 0;
        got += (size_t)r;
        count++;
    }
    say("back", "%zu bytes in %d, %d of them wrong", got, count, wrong);
    close(fd);
}

CASE(udp_gso_own) { own(0); }

CASE(udp_gso_gro) { own(1); }

CASE(udp_gso_echo) { echo(1000, 4100); }

CASE(udp_gso_many) { echo(1472, 40000); }

CASE(udp_gso_even) { echo(333, 999); }

CASE(udp_gso_bytes) { echo(1, 128); }
