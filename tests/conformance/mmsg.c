/* sendmmsg and recvmmsg: what counts as a message, partial results, and what becomes of an error after the first. */
#include "case.h"

enum { MOST = 2000 };
static struct mmsghdr m[MOST];
static struct iovec v[MOST];
static char bytes[MOST][16];

/* `n` messages with a buffer of `len` bytes each. */
static void prepare(int n, size_t len) {
    memset(m, 0, sizeof m);
    for (int i = 0; i < n; i++) {
        snprintf(bytes[i], sizeof bytes[i], "%d", i);
        v[i] = (struct iovec){bytes[i], len};
        m[i].msg_hdr.msg_iov = v + i;
        m[i].msg_hdr.msg_iovlen = 1;
        m[i].msg_len = 99;
    }
}

static void lengths(const char *what, int n) {
    printf("%s:", what);
    for (int i = 0; i < n; i++) printf(" %u", m[i].msg_len);
    putchar('\n');
}

/* Two sockets of our own address, connected to each other; what one sends is at the other at once. */
static void pair(int *a, int *b) {
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    *a = udp();
    *b = udp();
    bind_to(*a, own_ip, 0);
    bind_to(*b, own_ip, 0);
    getsockname(*a, (void *)&to, &len);
    connect(*b, (void *)&to, sizeof to);
    getsockname(*b, (void *)&to, &len);
    connect(*a, (void *)&to, sizeof to);
}

static void fill(int fd, int n) {
    for (int i = 0; i < n; i++) send(fd, "0123456789", 3 + (size_t)i, 0);
    usleep(20000);
}

static void drain(int fd) {
    char c[64];
    while (recv(fd, c, sizeof c, MSG_DONTWAIT) >= 0) {}
}

CASE(mmsg_sending) {
    int a, b;
    pair(&a, &b);
    prepare(3, 2);
    TRY("three", sendmmsg(a, m, 3, 0));
    lengths("three", 3);
    usleep(20000);
    char c[16] = "";
    TRY("first", recv(b, c, sizeof c, 0));
    say("is", "%s", c);
    drain(b);
    TRY("none", sendmmsg(a, m, 0, 0));
    TRY("no array", sendmmsg(a, NULL, 1, 0));
    TRY("no array, none", sendmmsg(a, NULL, 0, 0));
    TRY("no descriptor", sendmmsg(-1, m, 1, 0));
    TRY("not a socket", sendmmsg(1, m, 1, 0));
    prepare(MOST, 1);
    TRY("at most 1024", sendmmsg(a, m, MOST, 0));
    say("the next", "%u", m[1024].msg_len);
    drain(b);

    prepare(3, 2);
    m[1].msg_hdr.msg_iovlen = 1025;
    TRY("the second is bad", sendmmsg(a, m, 3, 0));
    lengths("lengths", 3);
    TRY("that is forgotten", send(a, "x", 1, 0));
    TRY("SO_ERROR", pending_error(a));
    v[0].iov_base = NULL;
    TRY("the first is bad", sendmmsg(a, m, 3, 0));
    TRY("SO_ERROR", pending_error(a));
    prepare(3, 2);
    v[2].iov_base = NULL;
    TRY("the third is nowhere", sendmmsg(a, m, 3, 0));
    static char large[70000];
    prepare(3, 2);
    v[1] = (struct iovec){large, sizeof large};
    TRY("the second is too large", sendmmsg(a, m, 3, 0));
    TRY("SO_ERROR", pending_error(a));

    int loose = udp();
    prepare(3, 2);
    TRY("to nobody", sendmmsg(loose, m, 3, 0));
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    getsockname(b, (void *)&to, &len);
    m[0].msg_hdr.msg_name = &to;
    m[0].msg_hdr.msg_namelen = sizeof to;
    TRY("the first to somebody", sendmmsg(loose, m, 3, 0));
    m[0].msg_hdr.msg_namelen = 8;
    TRY("half an address", sendmmsg(loose, m, 3, 0));
    TRY("OOB", sendmmsg(a, m, 3, MSG_OOB));
    shutdown(a, SHUT_WR);
    TRY("shut", sendmmsg(a, m, 3, MSG_NOSIGNAL));
    close(a);
    close(b);
    close(loose);
}

CASE(mmsg_receiving) {
    int a, b;
    pair(&a, &b);
    prepare(5, 10);
    TRY("nothing there", recvmmsg(b, m, 5, MSG_DONTWAIT, NULL));
    TRY("none", recvmmsg(b, m, 0, 0, NULL));
    TRY("no array", recvmmsg(b, NULL, 1, MSG_DONTWAIT, NULL));
    fill(a, 3);
    struct sockaddr_in from[2];
    char control[64];
    v[1].iov_len = 2;
    m[0].msg_hdr.msg_name = from;
    m[0].msg_hdr.msg_namelen = sizeof *from;
    m[1].msg_hdr.msg_name = from + 1;
    m[1].msg_hdr.msg_namelen = 4;
    m[1].msg_hdr.msg_control = control;
    m[1].msg_hdr.msg_controllen = sizeof control;
    TRY("three of five", recvmmsg(b, m, 5, MSG_DONTWAIT, NULL));
    lengths("lengths", 4);
    for (int i = 0; i < 3; i++)
        say("header", "name %u control %zu flags %s", m[i].msg_hdr.msg_namelen, (size_t)m[i].msg_hdr.msg_controllen,
            m[i].msg_hdr.msg_flags & MSG_TRUNC ? "TRUNC" : "none");
    say("from", "%d", from[0].sin_addr.s_addr == own_ip.s_addr);
    fill(a, 2);
    prepare(5, 10);
    TRY("WAITFORONE", recvmmsg(b, m, 5, MSG_WAITFORONE, NULL));
    lengths("lengths", 3);
    fill(a, 2);
    v[0].iov_len = 1;
    TRY("peek and true length", recvmmsg(b, m, 3, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, NULL));
    lengths("lengths", 3);

    struct timespec t = {0, 0};
    TRY("no time", recvmmsg(b, m, 5, 0, &t));
    say("left", "%ld %ld", (long)t.tv_sec, t.tv_nsec);
    t = (struct timespec){5, 0};
    TRY("enough time", recvmmsg(b, m, 1, 0, &t));
    say("left", "%d", t.tv_sec == 4 || (t.tv_sec == 5 && t.tv_nsec == 0));
    t = (struct timespec){5, 0};
    TRY("nothing came", recvmmsg(b, m, 1, MSG_DONTWAIT, &t));
    say("left", "%ld %ld", (long)t.tv_sec, t.tv_nsec);
    t = (struct timespec){0, 1000000000};
    TRY("no such time", recvmmsg(b, m, 1, 0, &t));
    t = (struct timespec){-1, 0};
    TRY("negative time", recvmmsg(b, m, 1, 0, &t));
    struct timeval limit = {0, 100000};
    setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    fill(a, 1);
    t = (struct timespec){5, 0};
    long begin = now_ms();
    TRY("one, then SO_RCVTIMEO", recvmmsg(b, m, 3, 0, &t));
    say("it waited", "%d", now_ms() - begin >= 90);
    say("time left after the first", "%d", (t.tv_sec == 4 && t.tv_nsec > 950000000) || t.tv_sec == 5);
    TRY("only that", recvmmsg(b, m, 3, 0, NULL));
    limit.tv_usec = 0;
    setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);

    fill(a, 3);
    prepare(3, 10);
    m[1].msg_hdr.msg_iovlen = 1025;
    TRY("the second is bad", recvmmsg(b, m, 3, 0, NULL));
    ready("that is kept", b);
    TRY("and told", recvmmsg(b, m, 3, 0, NULL));
    m[1].msg_hdr.msg_iovlen = 1;
    v[1].iov_base = NULL;
    TRY("the second is nowhere", recvmmsg(b, m, 2, 0, NULL));
    say("SO_ERROR", "%s", strerrorname_np(pending_error(b)) ?: "0");
    drain(b);
    fill(a, 1);
    v[0].iov_base = NULL;
    m[0].msg_hdr.msg_iovlen = 1025;
    TRY("the first is bad", recvmmsg(b, m, 2, 0, NULL));
    TRY("SO_ERROR", pending_error(b));
    drain(b);
    prepare(3, 10);
    shutdown(b, SHUT_RD);
    fill(a, 1);
    TRY("shut, without waiting", recvmmsg(b, m, 3, MSG_DONTWAIT, NULL));
    drain(b);
    TRY("shut and empty", recvmmsg(b, m, 3, 0, NULL));
    lengths("lengths", 3);
    close(a);
    close(b);
}

static void *later(void *arg) {
    for (int i = 0; i < 3; i++) {
        usleep(30000);
        send(*(int *)arg, "later", 5, 0);
    }
    return NULL;
}

CASE(mmsg_waiting) {
    int a, b;
    pthread_t thread;
    pair(&a, &b);
    prepare(3, 10);
    pthread_create(&thread, NULL, later, &a);
    TRY("all three are waited for", recvmmsg(b, m, 3, 0, NULL));
    pthread_join(thread, NULL);
    pthread_create(&thread, NULL, later, &a);
    TRY("the first is waited for", recvmmsg(b, m, 3, MSG_WAITFORONE, NULL));
    pthread_join(thread, NULL);
    close(a);
    close(b);
}

CASE(mmsg_refused) {
    int fd = udp();
    connect_to(fd, peer_ip, CLOSED);
    prepare(3, 10);
    TRY("to a closed port", send(fd, "x", 1, 0));
    until(fd, 0);
    TRY("no message, but an error", recvmmsg(fd, m, 0, 0, NULL));
    TRY("once", recvmmsg(fd, m, 0, 0, NULL));
    send(fd, "x", 1, 0);
    until(fd, 0);
    TRY("recvmmsg tells", recvmmsg(fd, m, 3, 0, NULL));
    send(fd, "x", 1, 0);
    until(fd, 0);
    TRY("sendmmsg tells", sendmmsg(fd, m, 1, 0));
    close(fd);
}

CASE(mmsg_peers) {
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    prepare(64, 8);
    TRY("64 to the peer", sendmmsg(fd, m, 64, 0));
    int got = 0, wrong = 0;
    while (got < 64) {
        char in[64][16];
        struct mmsghdr r[64] = {0};
        struct iovec w[64];
        for (int i = 0; i < 64; i++) {
            w[i] = (struct iovec){in[i], 16};
            r[i].msg_hdr.msg_iov = w + i;
            r[i].msg_hdr.msg_iovlen = 1;
        }
        sleep_until_readable(fd);
        int n = recvmmsg(fd, r, 64, MSG_DONTWAIT, NULL);
        if (n <= 0) break;
        for (int i = 0; i < n; i++) wrong += r[i].msg_len != 8 || memcmp(in[i], bytes[got + i], 8) != 0;
        got += n;
    }
    say("back", "%d, %d of them wrong", got, wrong);
    close(fd);
}

CASE(mmsg_streams) {
    int fd = dial(ECHO_PORT);
    prepare(4, 3);
    TRY("sendmmsg on a stream", sendmmsg(fd, m, 4, 0));
    lengths("lengths", 4);
    settle();
    for (int i = 0; i < 4; i++) v[i].iov_len = 5;
    TRY("recvmmsg on a stream", recvmmsg(fd, m, 4, MSG_WAITFORONE, NULL));
    lengths("lengths", 3);
    TRY("nothing more", recvmmsg(fd, m, 4, MSG_DONTWAIT, NULL));
    m[0].msg_hdr.msg_iovlen = 1025;
    TRY("the first is bad", recvmmsg(fd, m, 4, MSG_DONTWAIT, NULL));
    nonblocking(fd);
    TRY("O_NONBLOCK", recvmmsg(fd, m + 1, 3, 0, NULL));
    shutdown(fd, SHUT_WR);
    TRY("shut", sendmmsg(fd, m + 1, 3, MSG_NOSIGNAL));
    settle();
    TRY("the end", recvmmsg(fd, m + 1, 3, 0, NULL));
    close(fd);
}
