/* syscall(): numbers of ours go to the same bodies, the rest passes. */
#include "check.h"
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

int main(int argc, char **argv)
{
    int p[2], word = 0;
    char c = 0;
    (void)argv;
    CHECK("pipe2", syscall(SYS_pipe2, p, O_CLOEXEC) == 0);
    CHECK("write", syscall(SYS_write, p[1], "a", 1L) == 1);
    CHECK("read", syscall(SYS_read, p[0], &c, 1L) == 1 && c == 'a');
    struct iovec v = {"b", 1}, w = {&c, 1};
    CHECK("writev", syscall(SYS_writev, p[1], &v, 1) == 1);
    CHECK("readv", syscall(SYS_readv, p[0], &w, 1) == 1 && c == 'b');
    CHECK("pwritev2 at -1", syscall(SYS_pwritev2, p[1], &v, 1, -1L, -1L, 0) == 1);
    CHECK("preadv2 at -1", syscall(SYS_preadv2, p[0], &w, 1, -1L, -1L, 0) == 1);
    struct pollfd q = {p[1], POLLOUT, 0};
    struct timespec t = {0, 1000000};
    uint64_t mask = 1u << (SIGUSR1 - 1);
    CHECK("ppoll", syscall(SYS_ppoll, &q, 1L, &t, &mask, 8L) == 1 && q.revents == POLLOUT);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    struct {
        const void *set;
        size_t size;
    } six = {&mask, 8};
    CHECK("pselect6", syscall(SYS_pselect6, p[0] + 1, &r, NULL, NULL, &t, &six) == 0 && !FD_ISSET(p[0], &r));
#ifdef SYS_poll
    CHECK("poll", syscall(SYS_poll, &q, 1L, 0L) == 1);
#endif
    CHECK("dup3", syscall(SYS_dup3, p[0], 77, 0) == 77);
    CHECK("fcntl", syscall(SYS_fcntl, 77, F_GETFD) == 0);
    CHECK("close", syscall(SYS_close, 77) == 0);
    errno = 0;
    CHECK("close again", syscall(SYS_close, 77) == -1 && errno == EBADF);
    CHECK("getpid", syscall(SYS_getpid) == getpid());
    errno = 0;
    CHECK("futex", syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0) == -1 && errno == EAGAIN);
    errno = 0;
    CHECK("no such number", syscall(100000) == -1 && errno == ENOSYS);
    errno = 0;
    CHECK("number -5", syscall(-5) == -1 && errno == ENOSYS);

    int s = syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
    CHECK("socket", s >= 0);
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t n = sizeof a;
    CHECK("bind", syscall(SYS_bind, s, &a, n) == 0);
    CHECK("getsockname", syscall(SYS_getsockname, s, &a, &n) == 0 && a.sin_port != 0);
    int value = 0;
    n = sizeof value;
    CHECK("getsockopt", syscall(SYS_getsockopt, s, SOL_SOCKET, SO_TYPE, &value, &n) == 0 && value == SOCK_DGRAM);
    CHECK("F_SETFL", syscall(SYS_fcntl, s, F_SETFL, O_NONBLOCK) == 0 && (fcntl(s, F_GETFL) & O_NONBLOCK));
    errno = 0;
    CHECK("recvfrom", syscall(SYS_recvfrom, s, &c, 1L, 0L, NULL, NULL) == -1 && errno == EAGAIN);
    CHECK("preadv2 at an offset", syscall(SYS_preadv2, s, &w, 1, 5L, 0L, 0) == -1 && errno == ESPIPE);
    CHECK("pread", pread(s, &c, 1, 0) == -1 && errno == ESPIPE);
    CHECK("pwrite", pwrite(s, &c, 1, 0) == -1 && errno == ESPIPE);
    CHECK("lseek", lseek(s, 0, SEEK_SET) == -1 && errno == ESPIPE);
    q.fd = s;
    CHECK("ppoll of a socket", syscall(SYS_ppoll, &q, 1L, &t, NULL, 8L) == 1 && q.revents == POLLOUT);
    FD_ZERO(&r);
    FD_SET(s, &r);
    CHECK("pselect6 of a socket", syscall(SYS_pselect6, s + 1, NULL, &r, NULL, &t, &six) == 1 && FD_ISSET(s, &r));
    CHECK("close of a socket", syscall(SYS_close, s) == 0 && fcntl(s, F_GETFD) == -1);
    /* With an argument: io_uring is refused under the library, unless allowed. */
    if (argc > 1) {
        char params[256] = {0};
        errno = 0;
        long ring = syscall(SYS_io_uring_setup, 4, params);
        CHECK("io_uring is refused", ring == -1 && errno == ENOSYS);
    }
    DONE();
}
