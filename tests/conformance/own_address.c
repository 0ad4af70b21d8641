/* Many round trips that never leave the host: a socket connected to itself, two sockets of one process, datagrams to oneself. None may
 * stall, and each byte must come back, whatever the size of a message. */
#include "case.h"

static char out[200000], in[sizeof out];

/* `rounds` messages of `size` bytes from `a` to `b`; says how many went and how many came back changed. A message larger than what the
 * socket holds goes and comes in pieces. */
static void talk(const char *what, int a, int b, int rounds, size_t size) {
    int wrong = 0, i;
    long before = now_ms();
    for (i = 0; i < rounds; i++) {
        memset(out, 'a' + i % 26, size);
        size_t sent = 0, got = 0;
        while (got < size) {
            ssize_t n = sent < size ? send(a, out + sent, size - sent, MSG_DONTWAIT) : 0;
            if (n < 0 && errno != EAGAIN) {
                say(what, "send %s", strerrorname_np(errno));
                return;
            }
            if (n > 0) sent += (size_t)n;
            n = recv(b, in + got, size - got, sent < size ? MSG_DONTWAIT : 0);
            if (n == 0 || (n < 0 && errno != EAGAIN)) {
                say(what, "recv %zd", n);
                return;
            }
            if (n > 0) got += (size_t)n;
        }
        wrong += memcmp(out, in, size) != 0;
    }
    /* A round takes microseconds; a delayed acknowledgement in each would be 40 ms. */
    say(what, "%d rounds, %d wrong, %s", i, wrong, now_ms() - before < 10L * rounds + 2000 ? "no stall" : "stalled");
}

static void nodelay(int fd) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int self(int port) {
    int fd = tcp(), on = 1;
    /* Ports of this file alone; another run may have left them in TIME_WAIT. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind_to(fd, own_ip, port) < 0 || connect_to(fd, own_ip, port) < 0) {
        printf("self: %s\n", strerrorname_np(errno));
        exit(1);
    }
    return fd;
}

static void two(int *a, int *b) {
    int port, l = listener(&port);
    *a = tcp();
    if (connect_to(*a, own_ip, port) < 0 || (*b = accept(l, NULL, NULL)) < 0) {
        printf("two: %s\n", strerrorname_np(errno));
        exit(1);
    }
    close(l);
}

CASE(own_itself_small) {
    int fd = self(4390);
    nodelay(fd);
    talk("1 byte", fd, fd, 20000, 1);
    talk("64 bytes", fd, fd, 20000, 64);
}

CASE(own_itself_large) {
    int fd = self(4391);
    nodelay(fd);
    talk("1000 bytes", fd, fd, 5000, 1000);
    talk("3000 bytes", fd, fd, 5000, 3000);
    talk("100 kB", fd, fd, 200, 100000);
}

CASE(own_itself_nagle) {
    /* Nagle's algorithm waits for an acknowledgement, which is delayed: slow, here as there, and it ends. How slow is tested in virtual
     * time (stack/src/tcp/tests/acks.rs). */
    int fd = self(4392);
    for (size_t size = 1; size <= 2000; size += 1999) {
        int rounds = 0;
        while (rounds < 20 && send(fd, out, size, 0) == (ssize_t)size && recv(fd, in, size, MSG_WAITALL) == (ssize_t)size) rounds++;
        say(size == 1 ? "one byte" : "2000 bytes", "%d rounds", rounds);
    }
}

CASE(own_itself_buffers) {
    int fd = self(4393);
    nonblocking(fd);
    size_t sent = 0, got = 0;
    ssize_t n;
    while (sent < 100 << 20 && (n = send(fd, out, sizeof out, 0)) > 0) sent += (size_t)n;
    say("filled", "%s", strerrorname_np(errno));
    while (got < sent && ((n = recv(fd, in, sizeof in, 0)) > 0 || (errno == EAGAIN && poll(&(struct pollfd){fd, POLLIN, 0}, 1, 5000) == 1)))
        if (n > 0) got += (size_t)n;
    say("emptied", "%s", got == sent ? "all" : "not all");
    TRY("no more", recv(fd, in, 1, 0));
}

CASE(own_itself_ends) {
    int fd = self(4394);
    TRY("send", send(fd, "end", 3, 0));
    TRY("shutdown", shutdown(fd, SHUT_WR));
    TRY("peek", recv(fd, in, sizeof in, MSG_PEEK));
    TRY("recv", recv(fd, in, sizeof in, 0));
    TRY("the end", recv(fd, in, sizeof in, 0));
    TRY("send again", send(fd, "x", 1, MSG_NOSIGNAL));
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    TRY("poll", poll(&p, 1, 0));
    say("bits", "%s", bits(p.revents));
    struct tcp_info info;
    socklen_t len = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
    say("state", "%d", info.tcpi_state);
}

CASE(own_pair_small) {
    int a, b;
    two(&a, &b);
    for (int i = 0; i < 2; i++) {
        talk("there, 1 byte", a, b, 1, 1);
        talk("back, 1 byte", b, a, 1, 1);
    }
    nodelay(a), nodelay(b);
    talk("there, 64 bytes", a, b, 20000, 64);
    talk("back, 64 bytes", b, a, 20000, 64);
}

CASE(own_pair_large) {
    int a, b;
    two(&a, &b);
    nodelay(a), nodelay(b);
    talk("3000 bytes", a, b, 5000, 3000);
    talk("200 kB", b, a, 100, sizeof out);
}

static void *echo(void *arg) {
    int fd = (int)(intptr_t)arg;
    char buf[4096];
    ssize_t n;
    while ((n = recv(fd, buf, sizeof buf, 0)) > 0) send(fd, buf, (size_t)n, 0);
    close(fd);
    return NULL;
}

CASE(own_pair_threads) {
    int a, b, wrong = 0;
    two(&a, &b);
    pthread_t t;
    pthread_create(&t, NULL, echo, (void *)(intptr_t)b);
    for (int i = 0; i < 5000; i++) {
        send(a, &i, sizeof i, 0);
        int back = -1;
        recv(a, &back, sizeof back, MSG_WAITALL);
        wrong += back != i;
    }
    say("round trips", "%d wrong", wrong);
    TRY("shutdown", shutdown(a, SHUT_WR));
    TRY("the end", recv(a, in, 1, 0));
    pthread_join(t, NULL);
}

CASE(own_datagrams) {
    int fd = udp();
    bind_to(fd, own_ip, 4335);
    connect_to(fd, own_ip, 4335);
    talk("1 byte", fd, fd, 20000, 1);
    talk("1400 bytes", fd, fd, 5000, 1400);
    talk("60 kB", fd, fd, 500, 60000);
    TRY("empty", send(fd, "", 0, 0));
    TRY("arrives", recv(fd, in, sizeof in, 0));
    TRY("no more", recv(fd, in, sizeof in, MSG_DONTWAIT));
}

CASE(own_datagrams_overrun) {
    int fd = udp(), sent = 0, got = 0, small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    bind_to(fd, own_ip, 4336);
    connect_to(fd, own_ip, 4336);
    for (int i = 0; i < 1000; i++) sent += send(fd, out, 1000, MSG_DONTWAIT) == 1000;
    while (recv(fd, in, sizeof in, MSG_DONTWAIT) == 1000) got++;
    say("sent", "%d", sent);
    say("received", "%s", got > 0 && got < 20 ? "a few" : "else");
}
