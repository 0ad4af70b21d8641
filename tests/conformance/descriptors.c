/* dup and kin, flags of descriptors and of files, numbers that are closed and used again. Ranges and streams: numbers.c. */
#include "case.h"
#include <sys/stat.h>

CASE(dup_shares) {
    char buf[16] = "";
    int fd = dial(ECHO_PORT), low = dup(fd);
    say("lowest number", "%d", low == fd + 1);
    close(low);
    int d = dup(fd);
    TRY("write on the copy", write(d, "abc", 3));
    sleep_until_readable(fd);
    TRY("read on the original", read(fd, buf, sizeof buf));
    nonblocking(d);
    say("O_NONBLOCK is shared", "%d", !!(fcntl(fd, F_GETFL) & O_NONBLOCK));
    TRY("so this does not wait", read(fd, buf, 1));
    fcntl(fd, F_SETFL, 0);
    say("access mode", "%d", (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    fcntl(d, F_SETFD, FD_CLOEXEC);
    say("FD_CLOEXEC is not shared", "%d %d", fcntl(d, F_GETFD), fcntl(fd, F_GETFD));
    close(fd);
    TRY("the copy lives", write(d, "def", 3));
    TRY("and reads", read(d, buf, sizeof buf));
}

CASE(dup_numbers) {
    char buf[16];
    int d = dial(ECHO_PORT);
    TRY("F_DUPFD from 200", fcntl(d, F_DUPFD, 200));
    TRY("F_DUPFD_CLOEXEC from 200", fcntl(d, F_DUPFD_CLOEXEC, 200));
    say("its flag", "%d", fcntl(201, F_GETFD));
    TRY("dup2 to 150", dup2(d, 150));
    TRY("dup2 to itself", dup2(150, 150));
    TRY("dup3 to itself", dup3(150, 150, 0));
    TRY("dup3 with CLOEXEC", dup3(d, 151, O_CLOEXEC));
    say("its flag", "%d", fcntl(151, F_GETFD));
    TRY("dup3, bad flags", dup3(d, 152, O_NONBLOCK));
    TRY("dup2 of nothing", dup2(888, 150));
    TRY("still there", write(150, "g", 1));
    TRY("read", read(200, buf, 1));
    TRY("F_DUPFD, negative", fcntl(d, F_DUPFD, -1));
}

CASE(dup_files_over_sockets) {
    char buf[16];
    int d = dial(ECHO_PORT), file = open("/dev/null", O_RDWR);
    TRY("a copy", dup2(d, 150));
    TRY("a file over a socket", dup2(file, 150));
    TRY("is a file", write(150, "0123", 4));
    say("a socket over a file", "%d", dup2(d, file) == file);
    TRY("is a socket", write(file, "h", 1));
    TRY("read", read(d, buf, 1));
    struct stat st;
    TRY("fstat", fstat(d, &st));
    say("is a socket", "%d", S_ISSOCK(st.st_mode));
}

CASE(closed_descriptors) {
    int d = dial(ECHO_PORT);
    TRY("a copy", fcntl(d, F_DUPFD, 200));
    close(200);
    TRY("closed", write(200, "x", 1));
    TRY("last", close(d));
    TRY("closed", write(d, "x", 1));
    TRY("dup of closed", dup(d));
    TRY("fcntl of closed", fcntl(d, F_GETFL));
    int again = tcp();
    say("the number is used again", "%d", again == d);
    close(again);
    int f = open("/dev/null", O_RDWR);
    say("by a file too", "%d", f == d);
    TRY("a file on a socket's old number", write(f, "abc", 3));
    TRY("is no socket", send(f, "abc", 3, 0));
}

struct waiter {
    int fd;
    long n;
    char buf[16];
};

static void *receiving(void *p) {
    struct waiter *w = p;
    w->n = recv(w->fd, w->buf, sizeof w->buf, 0);
    return NULL;
}

/* On Linux a blocked recv survives the close of its number. */
CASE(dup2_under_recv) {
    struct waiter w = {.fd = dial(ECHO_PORT)};
    int keep = dup(w.fd);
    pthread_t t;
    pthread_create(&t, NULL, receiving, &w);
    settle();
    OK("another file over it", dup2(open("/dev/null", O_RDWR), w.fd));
    TRY("echo by the copy", write(keep, "over", 4));
    pthread_join(t, NULL);
    say("recv", "%ld %.4s", w.n, w.buf);
}

CASE(flags_at_birth) {
    int child = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    say("flags", "nonblock %d cloexec %d", !!(fcntl(child, F_GETFL) & O_NONBLOCK), fcntl(child, F_GETFD));
}

CASE(dup_of_a_listener) {
    int port, l = listener(&port), ld = dup(l);
    close(l);
    tell_peer("connect", port, "x");
    OK("accept on a copied listener", accept(ld, NULL, NULL));
    TRY("close_range", close_range((unsigned)ld, (unsigned)ld, 0));
    TRY("gone", listen(ld, 1));
}

CASE(fcntl_of_a_socket) {
    int fd = tcp();
    TRY("O_ASYNC off", fcntl(fd, F_SETFL, 0));
    TRY("F_GETOWN", fcntl(fd, F_GETOWN));
    TRY("F_GETPIPE_SZ", fcntl(fd, F_GETPIPE_SZ));
    TRY("F_SETFL with O_APPEND", fcntl(fd, F_SETFL, O_APPEND));
    say("O_APPEND is kept", "%d", !!(fcntl(fd, F_GETFL) & O_APPEND));
}

CASE(descriptors_run_out) {
    int fd = tcp(), n = 0;
    while (n < 2000 && dup(fd) >= 0) n++;
    say("descriptors run out", "%s", strerrorname_np(errno));
    TRY("socket", tcp());
}
