/* What options of level SOL_SOCKET do. */
#include "case.h"
#include <linux/filter.h>

static void flag(int fd, int level, int name, int v) { setsockopt(fd, level, name, &v, sizeof v); }

static int get(int fd, int level, int name) {
    int v = -77;
    socklen_t len = sizeof v;
    return getsockopt(fd, level, name, &v, &len) < 0 ? -errno : v;
}

/* A socket that hears what the peer's echo sends back; bound and connected. */
static int echoing(void) {
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    struct timeval t = {2, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    return fd;
}

static void rcvlowat(int nonblock) {
    int fd = dial(PIECES);
    flag(fd, SOL_SOCKET, SO_RCVLOWAT, 5);
    usleep(100000);
    ready("half is there", fd);
    char buf[32];
    if (nonblock) {
        nonblocking(fd);
        TRY("non-blocking reads what is there", read(fd, buf, sizeof buf));
        TRY("then nothing", read(fd, buf, sizeof buf));
    } else {
        TRY("short buffer does not wait", read(fd, buf, 3));
        TRY("blocking waits for the mark", read(fd, buf, sizeof buf));
    }
}

CASE(rcvlowat_blocking) { rcvlowat(0); }
CASE(rcvlowat_nonblocking) { rcvlowat(1); }
CASE(rcvlowat_poll) {
    int fd = dial(PIECES);
    flag(fd, SOL_SOCKET, SO_RCVLOWAT, 10);
    long start = now_ms();
    sleep_until_readable(fd);
    say("poll waited for the second piece", "%d", now_ms() - start > 120);
    char buf[32];
    TRY("read", read(fd, buf, sizeof buf));
}
CASE(rcvlowat_accepted) {
    int port, ls = listener(&port);
    flag(ls, SOL_SOCKET, SO_RCVLOWAT, 5);
    tell_peer("send", port, "hello");
    int fd = accept(ls, NULL, NULL);
    say("inherited", "%d", get(fd, SOL_SOCKET, SO_RCVLOWAT));
    char buf[16];
    TRY("read", read(fd, buf, sizeof buf));
}
CASE(rcvlowat_end_of_stream) {
    int fd = dial(HELLO);
    flag(fd, SOL_SOCKET, SO_RCVLOWAT, 1000);
    char buf[16];
    TRY("less comes, then the end", read(fd, buf, sizeof buf));
    TRY("end", read(fd, buf, sizeof buf));
}
CASE(peek_off_stream) {
    int fd = dial(PIECES);
    settle();
    TRY("set 2", setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &(int){2}, 4));
    char buf[16] = "";
    TRY("peek", recv(fd, buf, 2, MSG_PEEK));
    say("bytes", "%.2s, offset %d", buf, get(fd, SOL_SOCKET, SO_PEEK_OFF));
    TRY("peek on", recv(fd, buf, 8, MSG_PEEK));
    say("bytes", "%.1s, offset %d", buf, get(fd, SOL_SOCKET, SO_PEEK_OFF));
    TRY("nothing behind", recv(fd, buf, 8, MSG_PEEK | MSG_DONTWAIT));
    TRY("read", recv(fd, buf, 3, 0));
    say("bytes", "%.3s, offset %d", buf, get(fd, SOL_SOCKET, SO_PEEK_OFF));
    TRY("peek waits for more", recv(fd, buf, 8, MSG_PEEK));
    say("bytes", "%.5s, offset %d", buf, get(fd, SOL_SOCKET, SO_PEEK_OFF));
    TRY("off", setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &(int){-1}, 4));
    TRY("peek", recv(fd, buf, 2, MSG_PEEK));
    say("bytes", "%.2s, offset %d", buf, get(fd, SOL_SOCKET, SO_PEEK_OFF));
}
CASE(peek_off_datagrams) {
    int fd = echoing();
    send(fd, "abcdef", 6, 0);
    send(fd, "ghi", 3, 0);
    settle();
    TRY("set 1", setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &(int){1}, 4));
    char buf[16] = "";
    for (int i = 0; i < 4; i++) {
        struct iovec v = {buf, 3};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
        ssize_t n = recvmsg(fd, &m, MSG_PEEK | MSG_DONTWAIT);
        say("peek", "%zd %.*s%s, offset %d", n, n > 0 ? (int)n : 0, buf, m.msg_flags & MSG_TRUNC ? " cut" : "",
            get(fd, SOL_SOCKET, SO_PEEK_OFF));
    }
    TRY("read", recv(fd, buf, sizeof buf, 0));
    say("offset", "%d", get(fd, SOL_SOCKET, SO_PEEK_OFF));
    TRY("peek the second", recv(fd, buf, sizeof buf, MSG_PEEK | MSG_DONTWAIT));
    TRY("read", recv(fd, buf, sizeof buf, 0));
    say("offset", "%d", get(fd, SOL_SOCKET, SO_PEEK_OFF));
}
CASE(priority_follows_tos) {
    int fd = udp();
    for (int tos = 0; tos < 256; tos += 4) {
        flag(fd, IPPROTO_IP, IP_TOS, tos);
        printf("%d:%d ", tos, get(fd, SOL_SOCKET, SO_PRIORITY));
    }
    putchar('\n');
}
CASE(buffer_locks) {
    int fd = tcp();
    say("fresh", "%d", get(fd, SOL_SOCKET, 72));
    flag(fd, SOL_SOCKET, SO_SNDBUF, 20000);
    say("after SO_SNDBUF", "%d", get(fd, SOL_SOCKET, 72));
    flag(fd, SOL_SOCKET, SO_RCVBUF, 20000);
    say("after SO_RCVBUF", "%d", get(fd, SOL_SOCKET, 72));
    TRY("unlock", setsockopt(fd, SOL_SOCKET, 72, &(int){0}, 4));
    say("unlocked", "%d", get(fd, SOL_SOCKET, 72));
}
CASE(peername) {
    int fd = dial(ECHO_PORT);
    struct sockaddr_in a = {0};
    socklen_t len = sizeof a;
    TRY("SO_PEERNAME", getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &a, &len));
    say("is the peer", "%d port %d length %u", a.sin_addr.s_addr == peer_ip.s_addr, ntohs(a.sin_port), len);
    len = 4;
    TRY("with room for 4", getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &a, &len));
    char big[64];
    len = sizeof big;
    TRY("with too much room", getsockopt(fd, SOL_SOCKET, SO_PEERNAME, big, &len));
}
CASE(meminfo) {
    int fd = udp();
    unsigned int words[9] = {0};
    socklen_t len = sizeof words;
    TRY("SO_MEMINFO", getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, &len));
    say("limits", "%u %u length %u", words[1], words[3], len);
    len = 8;
    TRY("two words", getsockopt(fd, SOL_SOCKET, SO_MEMINFO, words, &len));
    say("length", "%u", len);
}
CASE(dontroute) {
    int fd = tcp(), near = tcp(), u = udp();
    struct in_addr far = {inet_addr("192.0.2.1")};
    flag(fd, SOL_SOCKET, SO_DONTROUTE, 1);
    TRY("connect beyond the router", connect_to(fd, far, 80));
    flag(near, SOL_SOCKET, SO_DONTROUTE, 1);
    TRY("connect to a neighbour", connect_to(near, peer_ip, ECHO_PORT));
    flag(u, SOL_SOCKET, SO_DONTROUTE, 1);
    struct sockaddr_in a = at(far, 9);
    TRY("sendto beyond the router", sendto(u, "x", 1, 0, (void *)&a, sizeof a));
    TRY("connect beyond the router", connect_to(u, far, 9));
    a = at(peer_ip, ECHO_PORT);
    TRY("sendto a neighbour", sendto(u, "x", 1, 0, (void *)&a, sizeof a));
    flag(u, SOL_SOCKET, SO_DONTROUTE, 0);
    a = at(far, 9);
    TRY("MSG_DONTROUTE", sendto(u, "x", 1, MSG_DONTROUTE, (void *)&a, sizeof a));
    TRY("without", sendto(u, "x", 1, 0, (void *)&a, sizeof a));
    TRY("connect, switched off", connect_to(u, far, 9));
}
CASE(no_check) {
    int fd = echoing();
    flag(fd, SOL_SOCKET, SO_NO_CHECK, 1);
    char buf[16];
    TRY("send", send(fd, "unsummed", 8, 0));
    TRY("echo", recv(fd, buf, sizeof buf, 0));
    TRY("UDP_SEGMENT", setsockopt(fd, IPPROTO_UDP, 103, &(int){4}, 4));
    TRY("cannot be cut", send(fd, "unsummed", 8, 0));
}

static int attach(int fd, struct sock_filter *code, unsigned short n) {
    struct sock_fprog p = {n, code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p);
}

CASE(filter_keeps_some) {
    /* Those whose first byte of payload is 'y'. */
    struct sock_filter code[] = {{0x30, 0, 0, 8}, {0x15, 0, 1, 'y'}, {0x06, 0, 0, 0xffff}, {0x06, 0, 0, 0}};
    int fd = echoing();
    TRY("attach", attach(fd, code, 4));
    send(fd, "no", 2, 0);
    send(fd, "yes", 3, 0);
    char buf[16];
    TRY("the second", recv(fd, buf, sizeof buf, 0));
    TRY("no more", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
    TRY("detach", setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, 4));
    send(fd, "no", 2, 0);
    TRY("any", recv(fd, buf, sizeof buf, 0));
    TRY("detach again", setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, 4));
}
CASE(filter_cuts) {
    struct sock_filter code[] = {{0x06, 0, 0, 8 + 3}};
    int fd = echoing();
    attach(fd, code, 1);
    send(fd, "abcdef", 6, 0);
    char buf[16];
    TRY("three bytes are left", recv(fd, buf, sizeof buf, 0));
}
CASE(filter_headers) {
    /* Source port of the peer, by the UDP header; protocol by the IP header; the rest of the length. */
    struct sock_filter code[] = {{0x28, 0, 0, 0}, {0x15, 0, 6, ECHO_PORT}, {0x30, 0, 0, 0xfff00009}, {0x15, 0, 4, 17},
                                 {0x80, 0, 0, 0}, {0x15, 0, 2, 12},        {0x28, 0, 0, 0xfffff000}, {0x15, 1, 0, 0x800},
                                 {0x06, 0, 0, 0}, {0x06, 0, 0, 0xffff}};
    int fd = echoing();
    TRY("attach", attach(fd, code, 10));
    send(fd, "four", 4, 0);
    char buf[16];
    TRY("all holds", recv(fd, buf, sizeof buf, 0));
    send(fd, "fives", 5, 0);
    settle();
    TRY("another length", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
}
CASE(filter_stream) {
    /* Segments with data are dropped: the handshake works, and nothing arrives. */
    struct sock_filter code[] = {{0x30, 0, 0, 12}, {0x74, 0, 0, 4}, {0x24, 0, 0, 4}, {0x07, 0, 0, 0}, {0x80, 0, 0, 0},
                                 {0x1d, 0, 1, 0},  {0x06, 0, 0, 0xffff}, {0x06, 0, 0, 0}};
    int fd = tcp();
    TRY("attach", attach(fd, code, 8));
    TRY("connect", connect_to(fd, peer_ip, PIECES));
    usleep(100000);
    char buf[16];
    TRY("nothing arrives", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
    TRY("detach", setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){0}, 4));
    TRY("the retransmission does", recv(fd, buf, 5, MSG_WAITALL));
}
CASE(filter_locked) {
    struct sock_filter code[] = {{0x06, 0, 0, 0xffff}};
    int fd = udp();
    TRY("attach", attach(fd, code, 1));
    TRY("lock", setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){1}, 4));
    TRY("attach", attach(fd, code, 1));
    TRY("detach", setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &(int){1}, 4));
    TRY("unlock", setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &(int){0}, 4));
    say("locked", "%d", get(fd, SOL_SOCKET, SO_LOCK_FILTER));
}
CASE(filter_bad) {
    struct sock_filter good = {0x06, 0, 0, 1}, load = {0x60, 0, 0, 0}, jump[2] = {{0x15, 1, 0, 0}, {0x06, 0, 0, 0}};
    struct sock_filter zero[2] = {{0x34, 0, 0, 0}, {0x06, 0, 0, 0}}, memory[2] = {{0x60, 0, 0, 3}, {0x06, 0, 0, 0}};
    int fd = udp();
    TRY("no instructions", attach(fd, &good, 0));
    TRY("no program", attach(fd, NULL, 1));
    TRY("too many", attach(fd, &good, 5000));
    TRY("no return", attach(fd, &load, 1));
    TRY("jump beyond", attach(fd, jump, 2));
    TRY("division by zero", attach(fd, zero, 2));
    TRY("memory never written", attach(fd, memory, 2));
    struct sock_fprog p = {1, &good};
    TRY("short", setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p - 1));
    TRY("long", setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &p, sizeof p + 1));
}
