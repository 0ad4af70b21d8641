/* How a connection ends, as the peer sees it: FIN or RST; and what exit leaves behind. */
#include "case.h"
#include <sys/wait.h>

static int opened(void) {
    int fd = dial(REPORT);
    if (write(fd, "12345", 5) != 5) printf("short\n");
    return fd;
}

CASE(linger) {
    struct linger l = {1, 0};
    int fd = opened();
    TRY("close", close(fd));
    peer_saw("close");

    fd = opened();
    settle();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    TRY("close with linger 0", close(fd));
    peer_saw("linger 0");

    fd = opened();
    settle();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    TRY("shutdown first", shutdown(fd, SHUT_WR));
    settle();
    close(fd);
    peer_saw("shutdown, then linger 0");

    l = (struct linger){1, 3};
    fd = opened();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    long t = now_ms();
    TRY("close with linger 3", close(fd));
    say("returns at once when all is acknowledged", "%d", now_ms() - t < 1000);
    peer_saw("linger 3");

    fd = opened();
    int other = dup(fd);
    close(fd);
    settle();
    TRY("the copy still sends", write(other, "678", 3));
    close(other);
    peer_saw("dup, both closed");

    fd = dial(ECHO_PORT);
    TRY("echo", write(fd, "abc", 3));
    sleep_until_readable(fd);
    close(fd); /* unread data: RST (RFC 2525 2.17); only the peer could tell, and its echo thread does not */

    int port, s, ls = listener(&port);
    tell_peer("connect", port, "unread");
    s = accept(ls, NULL, NULL);
    sleep_until_readable(s);
    TRY("close with unread data", close(s));
    peer_saw("unread data");
    tell_peer("connect", port, "all read");
    s = accept(ls, NULL, NULL);
    char buf[16];
    read_all(s, buf, 8);
    TRY("write", write(s, "answer", 6));
    TRY("close, all read", close(s));
    peer_saw("all read");

    tell_peer("connect", port, "");
    settle();
    TRY("close of a listener with a connection waiting", close(ls));
    peer_saw("never accepted");

    fd = opened();
    /* The bytes of this write are in the send buffer when the program ends. */
    static char big[200000];
    TRY("write before the end", write(fd, big, sizeof big));
}
