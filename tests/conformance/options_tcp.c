/* What options of level IPPROTO_TCP do. */
#include "case.h"

static void flag(int fd, int name, int v) { setsockopt(fd, IPPROTO_TCP, name, &v, sizeof v); }

static int get(int fd, int name) {
    int v = -77;
    socklen_t len = sizeof v;
    return getsockopt(fd, IPPROTO_TCP, name, &v, &len) < 0 ? -errno : v;
}

CASE(defer_accept_data) {
    int port, ls = listener(&port);
    flag(ls, TCP_DEFER_ACCEPT, 5);
    nonblocking(ls);
    tell_peer("send", port, "hello");
    sleep_until_readable(ls);
    int fd = accept(ls, NULL, NULL);
    OK("accept", fd);
    char buf[16];
    TRY("data is there", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
}
CASE(defer_accept_silence_nonblocking) {
    int port, ls = listener(&port);
    flag(ls, TCP_DEFER_ACCEPT, 30);
    nonblocking(ls);
    tell_peer("send", port, "");
    usleep(300000);
    ready("silent client", ls);
    OK("accept", accept(ls, NULL, NULL));
}
CASE(defer_accept_silence_blocking) {
    int port, ls = listener(&port);
    flag(ls, TCP_DEFER_ACCEPT, 30);
    struct timeval t = {0, 400000};
    setsockopt(ls, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    tell_peer("send", port, "");
    OK("accept", accept(ls, NULL, NULL));
}
CASE(defer_accept_ends) {
    int port, ls = listener(&port);
    flag(ls, TCP_DEFER_ACCEPT, 1);
    tell_peer("send", port, "");
    long start = now_ms();
    struct pollfd p = {ls, POLLIN, 0};
    poll(&p, 1, 5000);
    long took = now_ms() - start;
    say("after a second", "%s, %s", bits(p.revents), took > 700 && took < 2500 ? "yes" : "no");
}
CASE(defer_accept_end_of_stream) {
    int port, ls = listener(&port);
    flag(ls, TCP_DEFER_ACCEPT, 30);
    tell_peer("fin", port, "");
    struct pollfd p = {ls, POLLIN, 0};
    TRY("a client that only closes", poll(&p, 1, 500));
}
CASE(defer_accept_seconds) {
    int fd = tcp();
    for (int s = -1; s < 1000; s = s < 8 ? s + 1 : s * 3 / 2) {
        flag(fd, TCP_DEFER_ACCEPT, s);
        printf("%d:%d ", s, get(fd, TCP_DEFER_ACCEPT));
    }
    putchar('\n');
}
CASE(linger2_values) {
    int fd = tcp();
    for (int s = -2; s < 130; s = s < 3 ? s + 1 : s * 2) {
        flag(fd, TCP_LINGER2, s);
        printf("%d:%d ", s, get(fd, TCP_LINGER2));
    }
    putchar('\n');
}
CASE(window_clamp_states) {
    int fd = tcp();
    TRY("0, closed", setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &(int){0}, 4));
    flag(fd, TCP_WINDOW_CLAMP, 5000);
    say("reads", "%d", get(fd, TCP_WINDOW_CLAMP));
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("0, connected", setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &(int){0}, 4));
    flag(fd, TCP_WINDOW_CLAMP, 4000);
    say("reads", "%d", get(fd, TCP_WINDOW_CLAMP));
    char buf[8192];
    for (int i = 0; i < 5; i++) {
        write(fd, buf, sizeof buf);
        TRY("echo through a small window", read_all(fd, buf, sizeof buf));
    }
}
CASE(notsent_lowat_nonblocking) {
    int fd = dial(IGNORE);
    nonblocking(fd);
    flag(fd, TCP_NOTSENT_LOWAT, 16384);
    char buf[65536] = {0};
    long sent = 0;
    ssize_t n;
    for (int i = 0; i < 200; i++)
        if ((n = send(fd, buf, sizeof buf, 0)) > 0) sent += n;
        else break;
    settle();
    ready("full", fd);
    int unsent = -1;
    ioctl(fd, 0x894b, &unsent);
    say("little waits unsent", "%d", unsent > 0 && unsent < 16384 + 66000);
    flag(fd, TCP_NOTSENT_LOWAT, 0);
    ready("without the mark", fd);
}
CASE(notsent_lowat_blocking) {
    int fd = dial(IGNORE);
    flag(fd, TCP_NOTSENT_LOWAT, 4096);
    struct timeval t = {0, 300000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
    static char buf[1 << 20];
    ssize_t n = send(fd, buf, sizeof buf, 0);
    say("a part", "%d", n > 4096 && n < (ssize_t)sizeof buf);
    TRY("nothing", send(fd, buf, sizeof buf, 0));
}
CASE(notsent_lowat_transfer) {
    int fd = dial(COUNT);
    flag(fd, TCP_NOTSENT_LOWAT, 10000);
    static char buf[1 << 20];
    memset(buf, 7, sizeof buf);
    long sent = 0;
    while (sent < (long)sizeof buf) {
        ssize_t n = write(fd, buf + sent, sizeof buf - sent);
        if (n <= 0) break;
        sent += n;
    }
    shutdown(fd, SHUT_WR);
    char line[64] = "";
    read_all(fd, line, sizeof line - 1);
    say("the peer counts", "%s", line);
}
CASE(save_syn) {
    int port, ls = listener(&port);
    flag(ls, TCP_SAVE_SYN, 1);
    tell_peer("send", port, "x");
    int fd = accept(ls, NULL, NULL);
    unsigned char syn[128];
    socklen_t len = 4;
    TRY("little room", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
    len = sizeof syn;
    TRY("TCP_SAVED_SYN", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
    say("headers", "%u bytes, IPv%d, protocol %d, to port %d, flags %02x", len, syn[0] >> 4, syn[9],
        (syn[22] << 8 | syn[23]) == port, syn[33]);
    say("from", "%d", memcmp(syn + 12, &peer_ip, 4) == 0);
    len = sizeof syn;
    TRY("again", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
    say("length", "%u", len);
}
CASE(saved_syn_of_a_client) {
    int fd = dial(ECHO_PORT);
    char syn[128];
    socklen_t len = sizeof syn;
    TRY("none", getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, syn, &len));
    say("length", "%u", len);
}
CASE(fastopen_states) {
    int fd = tcp();
    TRY("closed", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, 4));
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("connected", setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, 4));
    int port, ls = listener(&port);
    TRY("listening", setsockopt(ls, IPPROTO_TCP, TCP_FASTOPEN, &(int){5}, 4));
    tell_peer("send", port, "x");
    OK("accept", accept(ls, NULL, NULL));
}
CASE(ulp) {
    int fd = dial(ECHO_PORT);
    char name[16] = "none";
    socklen_t len = sizeof name;
    TRY("none", getsockopt(fd, IPPROTO_TCP, TCP_ULP, name, &len));
    say("length", "%u", len);
    TRY("no such", setsockopt(fd, IPPROTO_TCP, TCP_ULP, "nosuch", 6));
}
CASE(inherited) {
    int port, ls = listener(&port);
    flag(ls, TCP_NODELAY, 1);
    flag(ls, TCP_LINGER2, 7);
    flag(ls, TCP_USER_TIMEOUT, 9000);
    flag(ls, TCP_NOTSENT_LOWAT, 77777);
    flag(ls, TCP_THIN_LINEAR_TIMEOUTS, 1);
    flag(ls, TCP_KEEPIDLE, 33);
    flag(ls, TCP_SYNCNT, 3);
    flag(ls, TCP_WINDOW_CLAMP, 9000);
    tell_peer("send", port, "x");
    int fd = accept(ls, NULL, NULL);
    say("child", "%d %d %d %d %d %d %d", get(fd, TCP_NODELAY), get(fd, TCP_LINGER2), get(fd, TCP_USER_TIMEOUT),
        get(fd, TCP_NOTSENT_LOWAT), get(fd, TCP_THIN_LINEAR_TIMEOUTS), get(fd, TCP_KEEPIDLE), get(fd, TCP_SYNCNT));
}
CASE(user_timeout_bounds_connect) {
    int fd = tcp();
    flag(fd, TCP_USER_TIMEOUT, 1000);
    struct in_addr nobody = {htonl(ntohl(peer_ip.s_addr) + 77)};
    flag(fd, TCP_SYNCNT, 1);
    OK("nobody answers", connect_to(fd, nobody, 80));
}
CASE(info_of_a_connection) {
    int fd = dial(ECHO_PORT);
    char buf[5000] = {0};
    for (int i = 0; i < 3; i++) {
        write(fd, buf, sizeof buf);
        read_all(fd, buf, sizeof buf);
    }
    struct tcp_info t;
    memset(&t, 0xff, sizeof t);
    socklen_t len = sizeof t;
    TRY("TCP_INFO", getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len));
    say("length", "%d", len == sizeof t);
    say("state", "%d ca %d retransmits %d probes %d backoff %d options %d", t.tcpi_state, t.tcpi_ca_state, t.tcpi_retransmits,
        t.tcpi_probes, t.tcpi_backoff, t.tcpi_options & 7);
    say("sizes", "snd_mss %u advmss %u pmtu %u", t.tcpi_snd_mss, t.tcpi_advmss, t.tcpi_pmtu);
    say("in flight", "%u %u %u %u", t.tcpi_unacked, t.tcpi_sacked, t.tcpi_lost, t.tcpi_retrans);
    say("cwnd", "at least 10: %d, reordering %u, total_retrans %u", t.tcpi_snd_cwnd >= 10, t.tcpi_reordering, t.tcpi_total_retrans);
    say("times", "rto %d rtt %d ato %d", t.tcpi_rto >= 200000 && t.tcpi_rto < 400000, t.tcpi_rtt > 0, t.tcpi_ato > 0);
    long long *bytes = (void *)((char *)&t + 120);
    say("bytes", "received %lld", bytes[1]);
    say("last", "%d %d", t.tcpi_last_data_sent < 1000, t.tcpi_last_data_recv < 1000);
}
CASE(info_of_other_states) {
    struct tcp_info t = {0};
    socklen_t len = sizeof t;
    int fd = tcp(), port, ls = listener(&port);
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len);
    say("closed", "%d", t.tcpi_state);
    len = sizeof t;
    getsockopt(ls, IPPROTO_TCP, TCP_INFO, &t, &len);
    say("listening", "%d", t.tcpi_state);
    fd = dial(HELLO);
    settle();
    len = sizeof t;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len);
    say("the peer has closed", "%d", t.tcpi_state);
    shutdown(fd, SHUT_WR);
    settle();
    len = sizeof t;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &t, &len);
    say("both have", "%d", t.tcpi_state);
}
CASE(info_queue_of_a_listener) {
    int port, ls = listener(&port);
    tell_peer("send", port, "x");
    tell_peer("send", port, "x");
    settle();
    struct tcp_info t = {0};
    socklen_t len = sizeof t;
    getsockopt(ls, IPPROTO_TCP, TCP_INFO, &t, &len);
    say("waiting and backlog", "%u %u", t.tcpi_unacked, t.tcpi_sacked);
}

/* TCP_QUICKACK is a switch of the moment (tcp(7)): what it reads is how acknowledgements are sent now. */
CASE(quickack_values) {
    int fd = tcp(), v = 7;
    socklen_t len = sizeof v;
    static const int values[] = {0, 1, 0, 2, 0, 3, -1, 0};
    OK("fresh", getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, &len));
    say("fresh", "%d", v);
    close(fd);
    fd = dial(ECHO_PORT);
    OK("connected", getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, &len));
    say("connected", "%d", v);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        v = values[i];
        OK("set", setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, sizeof v));
        getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, &len);
        say("is", "%d", v);
    }
    /* Data goes out soon after data came: acknowledgements wait for it from then on. */
    v = 1;
    OK("on", setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, sizeof v));
    char b[8];
    for (int i = 0; i < 3; i++) {
        TRY("ask", write(fd, "ask", 3));
        TRY("echo", read_all(fd, b, 3));
    }
    getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, &len);
    say("after some talk", "%d", v);
}
