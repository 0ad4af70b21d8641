/* Receive times: SO_TIMESTAMP, SO_TIMESTAMPNS and SO_TIMESTAMPING in both forms. */
#include "cmsg.h"
#include <linux/net_tstamp.h>

enum { TS_NEW = 63, TSNS_NEW = 64, TSING_NEW = 65 };

static void values(const char *what, int fd) {
    int names[] = {SO_TIMESTAMP, SO_TIMESTAMPNS, TS_NEW, TSNS_NEW};
    printf("%s:", what);
    for (int i = 0; i < 4; i++) {
        int v = -1;
        socklen_t len = sizeof v;
        getsockopt(fd, SOL_SOCKET, names[i], &v, &len);
        printf(" %d", v);
    }
    putchar('\n');
}

static void one(int name) {
    int port, fd = bound_udp(&port);
    TRY("set", on(fd, SOL_SOCKET, name));
    values("values", fd);
    close(tell_peer("udp", port, "hello"));
    get("time", fd, 256, 0, port);
    get("room for a head", fd, 16, MSG_DONTWAIT, port);
}

CASE(timestamp_micro) { one(SO_TIMESTAMP); }
CASE(timestamp_nano) { one(SO_TIMESTAMPNS); }
CASE(timestamp_micro_new) { one(TS_NEW); }
CASE(timestamp_nano_new) { one(TSNS_NEW); }

CASE(timestamp_one_after_the_other) {
    int fd = udp(), zero = 0;
    int names[] = {SO_TIMESTAMP, TSNS_NEW, SO_TIMESTAMPNS, TS_NEW, SO_TIMESTAMP};
    for (int i = 0; i < 5; i++) {
        on(fd, SOL_SOCKET, names[i]);
        values("on", fd);
    }
    on(fd, SOL_SOCKET, TSNS_NEW);
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &zero, sizeof zero);
    values("off by another name", fd);
}

/* The kernel begins to stamp some time after the first socket asks for it (net_enable_timestamp's work queue). */
static void until_stamped(void) {
    int port, fd = bound_udp(&port), flags = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    for (int i = 0; i < 50; i++) {
        char byte, control[256];
        struct iovec v = {&byte, 1};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        close(tell_peer("udp", port, "warm"));
        if (recvmsg(fd, &m, 0) >= 0 && m.msg_controllen > 0) return;
        usleep(20000);
    }
    puts("nothing is stamped");
}

static void stamping(int name, int flags) {
    if (flags & SOF_TIMESTAMPING_RX_SOFTWARE) until_stamped();
    int port, fd = bound_udp(&port);
    TRY("set", setsockopt(fd, SOL_SOCKET, name, &flags, sizeof flags));
    int v[4] = {-1, -1, -1, -1};
    socklen_t len = sizeof v;
    TRY("get", getsockopt(fd, SOL_SOCKET, name, v, &len));
    say("value", "%#x %d, length %u", (unsigned)v[0], v[1], len);
    len = sizeof v;
    getsockopt(fd, SOL_SOCKET, name == TSING_NEW ? SO_TIMESTAMPING : TSING_NEW, v, &len);
    say("by the other name", "%#x %d, length %u", (unsigned)v[0], v[1], len);
    close(tell_peer("udp", port, "hello"));
    get("times", fd, 256, 0, port);
}

CASE(timestamping) { stamping(SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE); }
CASE(timestamping_new) { stamping(TSING_NEW, SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE); }
CASE(timestamping_hardware) { stamping(SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_HARDWARE | SOF_TIMESTAMPING_RAW_HARDWARE); }

CASE(timestamping_refused) {
    int fd = udp();
    int bad[] = {1 << 30, -1, SOF_TIMESTAMPING_OPT_STATS, 1 << 16 /* OPT_ID_TCP */, SOF_TIMESTAMPING_OPT_ID};
    for (int i = 0; i < 5; i++) TRY("flags", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &bad[i], sizeof bad[i]));
    TRY("short", setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPING, &bad[0], 3));
    int id = SOF_TIMESTAMPING_OPT_ID;
    TRY("a stream without a connection", setsockopt(tcp(), SOL_SOCKET, SO_TIMESTAMPING, &id, sizeof id));
}

CASE(timestamp_of_a_stream) {
    until_stamped();
    int fd = tcp();
    TRY("set", on(fd, SOL_SOCKET, SO_TIMESTAMP));
    connect_to(fd, peer_ip, HELLO);
    until(fd, POLLRDHUP);
    get("bytes", fd, 256, 0, 0);
    get("the end", fd, 256, 0, 0);
}
