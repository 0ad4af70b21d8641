/* shutdown(2) in each direction, and what poll says at every step; what a connection says that the peer ended or reset. */
#include "case.h"

static int pipes;
static void on_pipe(int sig) {
    (void)sig;
    pipes++;
}

CASE(shutdown_fresh) {
    int fd = tcp();
    ready("fresh", fd);
    TRY("shutdown of a fresh socket", shutdown(fd, SHUT_RDWR));
    TRY("bad direction", shutdown(fd, 3));
}

CASE(shutdown_write) {
    signal(SIGPIPE, on_pipe);
    char buf[64];
    int fd = dial(ECHO_PORT);
    ready("connected", fd);
    TRY("bad direction on a connection", shutdown(fd, 7));
    TRY("SHUT_WR", shutdown(fd, SHUT_WR));
    until(fd, 0);
    ready("both ends finished", fd);
    TRY("send", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("send, NOSIGNAL", send(fd, "x", 1, MSG_NOSIGNAL));
    say("SIGPIPE", "%d", pipes);
    TRY("read", read(fd, buf, 1));
    TRY("shutdown of a finished one", shutdown(fd, SHUT_RDWR));
}

CASE(shutdown_write_twice) {
    int fd = dial(LATE);
    TRY("SHUT_WR", shutdown(fd, SHUT_WR));
    TRY("SHUT_WR again", shutdown(fd, SHUT_WR));
}

CASE(shutdown_read) {
    char buf[64];
    int fd = dial(DISCARD);
    TRY("SHUT_RD", shutdown(fd, SHUT_RD));
    ready("after SHUT_RD", fd);
    TRY("read", read(fd, buf, 1));
    TRY("write still works", write(fd, "abc", 3));
    TRY("then SHUT_WR", shutdown(fd, SHUT_WR));
    ready("shut both ways", fd);
}

CASE(shutdown_read_with_data) {
    char buf[64];
    int fd = dial(ECHO_PORT);
    TRY("data before SHUT_RD", write(fd, "abc", 3));
    sleep_until_readable(fd);
    TRY("SHUT_RD with data queued", shutdown(fd, SHUT_RD));
    TRY("the data is still there", read(fd, buf, sizeof buf));
    TRY("then the end", read(fd, buf, sizeof buf));
}

CASE(shutdown_half_closed) {
    char buf[64] = "";
    int fd = dial(COUNT);
    TRY("upload", write(fd, "some bytes", 10));
    TRY("half close", shutdown(fd, SHUT_WR));
    ready("half closed", fd);
    read_all(fd, buf, sizeof buf - 1);
    say("the answer still comes", "%s", buf);
    ready("all over", fd);
}

CASE(shutdown_by_the_peer) {
    signal(SIGPIPE, on_pipe);
    char buf[64];
    int fd = dial(HELLO);
    until(fd, POLLRDHUP);
    ready("peer finished, data waits", fd);
    TRY("read", read(fd, buf, sizeof buf));
    ready("peer finished, nothing waits", fd);
    TRY("write to it", write(fd, "x", 1));
    until(fd, 0);
    ready("after its RST", fd);
    TRY("write again", write(fd, "x", 1));
    say("SIGPIPE", "%d", pipes);
    TRY("read", read(fd, buf, 1));
    say("SO_ERROR", "%d", pending_error(fd));
}

CASE(reset_told_by_read) {
    signal(SIGPIPE, on_pipe);
    char buf[64];
    int fd = dial(RESET);
    until(fd, 0);
    ready("reset by the peer", fd);
    TRY("read", read(fd, buf, 1));
    TRY("read again", read(fd, buf, 1));
    ready("error taken", fd);
    TRY("write", write(fd, "x", 1));
    say("SIGPIPE", "%d", pipes);
    TRY("shutdown", shutdown(fd, SHUT_RDWR));
}

CASE(reset_told_by_option) {
    char buf[64];
    int fd = dial(RESET);
    until(fd, 0);
    say("reset, by SO_ERROR", "%s", strerrorname_np(pending_error(fd)));
    TRY("read after that", read(fd, buf, 1));
}

CASE(reset_told_by_write) {
    signal(SIGPIPE, on_pipe);
    int fd = dial(RESET);
    until(fd, 0);
    TRY("reset, told by write", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("write again", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
}

CASE(shutdown_listener) {
    int port, l = listener(&port);
    ready("listener", l);
    TRY("SHUT_RD of a listener", shutdown(l, SHUT_RD));
    ready("listener, shut", l);
    nonblocking(l);
    TRY("accept", accept(l, NULL, NULL));
    TRY("listen again", listen(l, 4));
    ready("listening again", l);
}
