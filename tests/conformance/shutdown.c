/* shutdown(2) in each direction, and what poll says at every step. */
#include "case.h"

static int pipes;
static void on_pipe(int sig) {
    (void)sig;
    pipes++;
}

CASE(shutdown) {
    signal(SIGPIPE, on_pipe);
    char buf[64];
    int fd = tcp();
    ready("fresh", fd);
    TRY("shutdown of a fresh socket", shutdown(fd, SHUT_RDWR));
    TRY("bad direction", shutdown(fd, 3));
    close(fd);

    fd = dial(ECHO_PORT);
    ready("connected", fd);
    TRY("bad direction on a connection", shutdown(fd, 7));
    TRY("SHUT_WR", shutdown(fd, SHUT_WR));
    settle();
    ready("both ends finished", fd);
    TRY("send", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("send, NOSIGNAL", send(fd, "x", 1, MSG_NOSIGNAL));
    say("SIGPIPE", "%d", pipes);
    TRY("read", read(fd, buf, 1));
    TRY("shutdown of a finished one", shutdown(fd, SHUT_RDWR));
    close(fd);

    fd = dial(LATE);
    TRY("SHUT_WR", shutdown(fd, SHUT_WR));
    TRY("SHUT_WR again", shutdown(fd, SHUT_WR));
    close(fd);

    fd = dial(DISCARD);
    TRY("SHUT_RD", shutdown(fd, SHUT_RD));
    ready("after SHUT_RD", fd);
    TRY("read", read(fd, buf, 1));
    TRY("write still works", write(fd, "abc", 3));
    TRY("then SHUT_WR", shutdown(fd, SHUT_WR));
    ready("shut both ways", fd);
    close(fd);

    fd = dial(ECHO_PORT);
    TRY("data before SHUT_RD", write(fd, "abc", 3));
    sleep_until_readable(fd);
    TRY("SHUT_RD with data queued", shutdown(fd, SHUT_RD));
    TRY("the data is still there", read(fd, buf, sizeof buf));
    TRY("then the end", read(fd, buf, sizeof buf));
    close(fd);

    fd = dial(COUNT);
    TRY("upload", write(fd, "some bytes", 10));
    TRY("half close", shutdown(fd, SHUT_WR));
    ready("half closed", fd);
    memset(buf, 0, sizeof buf);
    read_all(fd, buf, sizeof buf - 1);
    say("the answer still comes", "%s", buf);
    ready("all over", fd);
    close(fd);

    fd = dial(HELLO);
    settle();
    ready("peer finished, data waits", fd);
    TRY("read", read(fd, buf, sizeof buf));
    ready("peer finished, nothing waits", fd);
    TRY("write to it", write(fd, "x", 1));
    settle();
    ready("after its RST", fd);
    TRY("write again", write(fd, "x", 1));
    say("SIGPIPE", "%d", pipes);
    TRY("read", read(fd, buf, 1));
    say("SO_ERROR", "%d", pending_error(fd));
    close(fd);

    fd = dial(RESET);
    settle();
    ready("reset by the peer", fd);
    TRY("read", read(fd, buf, 1));
    TRY("read again", read(fd, buf, 1));
    ready("error taken", fd);
    TRY("write", write(fd, "x", 1));
    say("SIGPIPE", "%d", pipes);
    TRY("shutdown", shutdown(fd, SHUT_RDWR));
    close(fd);
    fd = dial(RESET);
    settle();
    say("reset, by SO_ERROR", "%s", strerrorname_np(pending_error(fd)));
    TRY("read after that", read(fd, buf, 1));
    close(fd);
    fd = dial(RESET);
    settle();
    TRY("reset, told by write", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("write again", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    close(fd);

    int port, l = listener(&port);
    ready("listener", l);
    TRY("SHUT_RD of a listener", shutdown(l, SHUT_RD));
    ready("listener, shut", l);
    nonblocking(l);
    TRY("accept", accept(l, NULL, NULL));
    TRY("listen again", listen(l, 4));
    ready("listening again", l);
}
