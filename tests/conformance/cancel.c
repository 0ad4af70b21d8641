/* pthread_cancel of a thread in each blocking call, deferred and asynchronous; what the socket is like afterwards. */
#include "case.h"

static int fd, ep, l;
static char big[1 << 20];
static volatile int cleaned;

static void clean(void *p) { (void)p, cleaned++; }

enum op { RECV, RECVMSG, READV, ACCEPT, SEND, POLL, SELECT, EPOLL, CONNECT, RECVFROM };

static void *waits(void *p) {
    enum op op = (enum op)(long)p;
    struct iovec v = {big, 8};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    struct pollfd f = {fd, POLLIN, 0};
    struct epoll_event ev;
    fd_set r;
    FD_ZERO(&r);
    FD_SET(fd, &r);
    pthread_cleanup_push(clean, NULL);
    for (;;) switch (op) {
        case RECV: recv(fd, big, 8, 0); break;
        case RECVFROM: recvfrom(fd, big, 8, 0, NULL, NULL); break;
        case RECVMSG: recvmsg(fd, &m, 0); break;
        case READV: readv(fd, &v, 1); break;
        case ACCEPT: accept(l, NULL, NULL); break;
        case SEND: send(fd, big, sizeof big, 0); break;
        case POLL: poll(&f, 1, -1); break;
        case SELECT: select(fd + 1, &r, NULL, NULL, NULL); break;
        case EPOLL: epoll_wait(ep, &ev, 1, -1); break;
        case CONNECT: connect_to(fd, (struct in_addr){htonl((ntohl(peer_ip.s_addr) & ~255u) | 77)}, 9); break;
        }
    pthread_cleanup_pop(0);
    return NULL;
}

static void *asynchronous(void *p) {
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    return waits(p);
}

static void cancel(const char *what, void *(*body)(void *), enum op op) {
    pthread_t t;
    void *result = NULL;
    cleaned = 0;
    pthread_create(&t, NULL, body, (void *)(long)op);
    settle();
    pthread_cancel(t);
    pthread_join(t, &result);
    say(what, "cancelled %d cleaned %d", result == PTHREAD_CANCELED, cleaned);
}

static void works(void) {
    char c;
    if (write(fd, "x", 1) != 1) return;
    TRY("the socket works on", read(fd, &c, 1));
}

CASE(cancel_receiving) {
    fd = dial(ECHO_PORT);
    cancel("recv", waits, RECV);
    works();
    cancel("recvmsg", waits, RECVMSG);
    cancel("readv", waits, READV);
    cancel("recvfrom", waits, RECVFROM);
    works();
}

CASE(cancel_waiting) {
    fd = dial(ECHO_PORT);
    ep = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    cancel("poll", waits, POLL);
    cancel("select", waits, SELECT);
    cancel("epoll_wait", waits, EPOLL);
    works();
}

CASE(cancel_accept) {
    int port;
    l = listener(&port);
    cancel("accept", waits, ACCEPT);
    int c = tell_peer("script", port, ".");
    OK("the next one is not lost", accept(l, NULL, NULL));
    close(c);
}

CASE(cancel_send) {
    fd = dial(IGNORE);
    cancel("send", waits, SEND);
    TRY("close", close(fd));
}

CASE(cancel_connect) {
    fd = tcp();
    cancel("connect", waits, CONNECT);
    nonblocking(fd);
    TRY("the attempt goes on", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("close", close(fd));
}

CASE(cancel_asynchronous) {
    fd = dial(ECHO_PORT);
    cancel("recv", asynchronous, RECV);
    works();
    cancel("poll", asynchronous, POLL);
    works();
}

static void *disabled(void *p) {
    char c;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return (void *)(recv(*(int *)p, &c, 1, 0) == 1 ? 1L : 2L);
}

CASE(cancel_disabled) {
    fd = dial(ECHO_PORT);
    pthread_t t;
    void *result;
    pthread_create(&t, NULL, disabled, &fd);
    settle();
    pthread_cancel(t);
    settle();
    if (write(fd, "x", 1) != 1) return;
    pthread_join(t, &result);
    say("recv", "%ld", (long)result);
}

static void *pending(void *p) {
    char c;
    pthread_cancel(pthread_self());
    /* Data is there, yet a cancellation point acts first. */
    recv(*(int *)p, &c, 1, 0);
    return NULL;
}

CASE(cancel_pending_before_the_call) {
    fd = dial(HELLO);
    settle();
    pthread_t t;
    void *result;
    char c;
    pthread_create(&t, NULL, pending, &fd);
    pthread_join(t, &result);
    say("cancelled", "%d", result == PTHREAD_CANCELED);
    TRY("nothing was taken", read(fd, &c, 1));
    say("first byte", "%c", c);
}

CASE(cancel_one_of_two) {
    pthread_t t, u;
    fd = dial(ECHO_PORT);
    void *result;
    pthread_create(&t, NULL, waits, (void *)RECV);
    settle();
    static int same;
    same = fd;
    pthread_create(&u, NULL, disabled, &same);
    settle();
    pthread_cancel(t);
    pthread_join(t, &result);
    say("one", "cancelled %d", result == PTHREAD_CANCELED);
    if (write(fd, "x", 1) != 1) return;
    pthread_join(u, &result);
    say("the other", "%ld", (long)result);
}
