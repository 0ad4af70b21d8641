/* Calls in the wrong state, and calls that sockets do not have: which errno. */
#include "case.h"

static int pipes;
static void on_pipe(int sig) {
    (void)sig;
    pipes++;
}

CASE(unconnected_stream) {
    signal(SIGPIPE, on_pipe);
    char c;
    int fd = tcp();
    TRY("send", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("write", write(fd, "x", 1));
    say("SIGPIPE", "%d", pipes);
    TRY("send nothing", send(fd, "", 0, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("recv", recv(fd, &c, 1, 0));
    TRY("read", read(fd, &c, 1));
    TRY("peek", recv(fd, &c, 1, MSG_PEEK));
    struct sockaddr_in to = at(peer_ip, ECHO_PORT), a;
    socklen_t len = sizeof a;
    TRY("sendto", sendto(fd, "x", 1, MSG_NOSIGNAL, (void *)&to, sizeof to));
    TRY("getpeername", getpeername(fd, (void *)&a, &len));
    ready("it", fd);
}

CASE(not_for_sockets) {
    char c;
    int conn = dial(ECHO_PORT);
    TRY("lseek", lseek(conn, 0, SEEK_SET));
    TRY("pread", pread(conn, &c, 1, 0));
    TRY("pwrite", pwrite(conn, "x", 1, 0));
    TRY("fsync", fsync(conn));
    TRY("fdatasync", fdatasync(conn));
    TRY("ftruncate", ftruncate(conn, 0));
    TRY("fallocate", fallocate(conn, 0, 0, 10));
    TRY("fchdir", fchdir(conn));
    TRY("posix_fadvise", posix_fadvise(conn, 0, 0, 0) == ESPIPE ? 1 : 0);
    TRY("isatty", isatty(conn) ? 1 : -1);
    TRY("ttyname", ttyname_r(conn, &c, 1) == ENOTTY ? 1 : 0);
}

CASE(closed_number) {
    char c;
    int conn = dial(ECHO_PORT);
    TRY("close", close(conn));
    TRY("send", send(conn, "x", 1, 0));
    TRY("recv", recv(conn, &c, 1, 0));
    TRY("write", write(conn, "x", 1));
    TRY("shutdown", shutdown(conn, SHUT_RDWR));
    TRY("fcntl", fcntl(conn, F_GETFL));
    TRY("close", close(conn));
    struct pollfd p = {conn, POLLIN, 0};
    TRY("poll", poll(&p, 1, 0));
    say("bits", "%s", bits(p.revents));
}

CASE(sockets_only) {
    char c;
    int fd = open("/dev/null", O_RDWR), n = 1;
    socklen_t len = sizeof n;
    struct sockaddr_in a;
    socklen_t alen = sizeof a;
    TRY("send", send(fd, "x", 1, 0));
    TRY("recv", recv(fd, &c, 1, 0));
    TRY("shutdown", shutdown(fd, 2));
    TRY("getsockopt", getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &len));
    TRY("setsockopt", setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &n, sizeof n));
    TRY("getsockname", getsockname(fd, (void *)&a, &alen));
    TRY("getpeername", getpeername(fd, (void *)&a, &alen));
}
