/* How a connection ends, as the peer sees it: FIN or RST; and what exit leaves behind. */
#include "case.h"
#include <sys/wait.h>

static int opened(void) {
    int fd = dial(REPORT);
    if (write(fd, "12345", 5) != 5) printf("short\n");
    return fd;
}

static void linger(int fd, int on, int seconds) {
    struct linger l = {on, seconds};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

CASE(close_plain) {
    TRY("close", close(opened()));
    peer_saw("close");
}

CASE(close_linger_zero) {
    int fd = opened();
    settle();
    linger(fd, 1, 0);
    TRY("close with linger 0", close(fd));
    peer_saw("linger 0");
}

CASE(close_linger_zero_after_shutdown) {
    int fd = opened();
    settle();
    linger(fd, 1, 0);
    TRY("shutdown first", shutdown(fd, SHUT_WR));
    settle();
    close(fd);
    peer_saw("shutdown, then linger 0");
}

CASE(close_linger) {
    int fd = opened();
    linger(fd, 1, 3);
    long t = now_ms();
    TRY("close with linger 3", close(fd));
    say("returns at once when all is acknowledged", "%d", now_ms() - t < 2500);
    peer_saw("linger 3");
}

CASE(close_linger_full) {
    static char big[1 << 20];
    int fd = dial(IGNORE);
    nonblocking(fd);
    while (send(fd, big, sizeof big, 0) > 0) {}
    linger(fd, 1, 1);
    long t = now_ms();
    TRY("non-blocking", close(fd));
    t = now_ms() - t;
    say("waits all the same", "%d", t >= 900 && t < 2000);
    fd = dial(IGNORE);
    nonblocking(fd);
    while (send(fd, big, sizeof big, 0) > 0) {}
    fcntl(fd, F_SETFL, 0);
    linger(fd, 1, 1);
    t = now_ms();
    TRY("blocking", close(fd));
    t = now_ms() - t;
    say("waits a second", "%d", t >= 900 && t < 2000);
}

CASE(close_of_a_copy) {
    int fd = opened(), other = dup(fd);
    close(fd);
    settle();
    TRY("the copy still sends", write(other, "678", 3));
    close(other);
    peer_saw("dup, both closed");
}

CASE(close_with_unread_data) {
    int port, ls = listener(&port);
    tell_peer("connect", port, "unread");
    int s = accept(ls, NULL, NULL);
    sleep_until_readable(s);
    TRY("close with unread data", close(s));
    peer_saw("unread data");
}

CASE(close_all_read) {
    int port, ls = listener(&port);
    tell_peer("connect", port, "all read");
    int s = accept(ls, NULL, NULL);
    char buf[16];
    read_all(s, buf, 8);
    TRY("write", write(s, "answer", 6));
    TRY("close, all read", close(s));
    peer_saw("all read");
}

CASE(close_of_a_listener) {
    int port, ls = listener(&port);
    tell_peer("connect", port, "");
    sleep_until_readable(ls);
    settle(); /* the peer's connect has returned too */
    TRY("close of a listener with a connection waiting", close(ls));
    peer_saw("never accepted");
}

/* The bytes of this write are in the send buffer when the program ends. */
static char big[200000];

CASE(exit_return) {
    int fd = opened();
    TRY("write before the end", write(fd, big, sizeof big));
}

CASE(exit_exit) {
    int fd = opened();
    TRY("write before the end", write(fd, big, sizeof big));
    exit(0);
}

CASE(exit_underscore) {
    int fd = opened();
    TRY("write before the end", write(fd, big, sizeof big));
    fflush(stdout);
    _exit(0);
}

CASE(exit_quick) {
    int fd = opened();
    TRY("write before the end", write(fd, big, sizeof big));
    fflush(stdout);
    quick_exit(0);
}

CASE(exit_of_the_last_thread) {
    int fd = opened();
    TRY("write before the end", write(fd, big, sizeof big));
    fflush(stdout);
    pthread_exit(NULL);
}

/* differs: exit_exec: after exit.*: the stack ends with the image that it lives in, without a FIN (processes are a later step) */
CASE(exit_exec) {
    int fd = dial(REPORT);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    TRY("write before exec", write(fd, big, sizeof big));
    fflush(stdout);
    execl("/bin/true", "true", (char *)NULL);
}

CASE(exit_linger_zero) {
    int fd = opened();
    settle();
    linger(fd, 1, 0);
    say("ends with", "linger 0");
}

CASE(exit_with_unread_data) {
    int port, ls = listener(&port);
    tell_peer("connect", port, "unread");
    int s = accept(ls, NULL, NULL);
    sleep_until_readable(s);
    say("ends with", "unread data");
}
