/* What the kernel says of a socket where a file, a terminal or something else was meant; and libc's calls that are made of others. */
#include "case.h"
#include <aio.h>
#include <dirent.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/xattr.h>
#include <termios.h>

int isfdtype(int, int);
int rresvport(int *);

/* differs: refusals_files: ^mmap: TCP_ZEROCOPY_RECEIVE maps the kernel's own buffers */

CASE(refusals_position) {
    int fd = dial(ECHO_PORT);
    char b[8];
    struct iovec v = {b, sizeof b};
    loff_t at = 0;
    TRY("lseek", lseek(fd, 0, SEEK_END));
    TRY("lseek, bad whence", lseek(fd, 0, 99));
    TRY("pread", pread(fd, b, 8, 0));
    TRY("pread, negative", pread(fd, b, 8, -1));
    TRY("pwrite", pwrite(fd, b, 8, 0));
    TRY("preadv", preadv(fd, &v, 1, 0));
    TRY("pwritev", pwritev(fd, &v, 1, 0));
    TRY("preadv, negative", preadv(fd, &v, 1, -1));
    TRY("preadv2 at 5", preadv2(fd, &v, 1, 5, 0));
    TRY("pwritev2 at 5", pwritev2(fd, &v, 1, 5, 0));
    TRY("pwritev2 at -1", pwritev2(fd, &v, 1, -1, 0));
    sleep_until_readable(fd);
    TRY("preadv2 at -1", preadv2(fd, &v, 1, -1, 0));
    TRY("preadv2, nothing there", preadv2(fd, &v, 1, -1, RWF_NOWAIT));
    TRY("preadv2, unknown flag", preadv2(fd, &v, 1, -1, 0x4000));
    TRY("raw pread64", syscall(SYS_pread64, fd, b, 8L, 0L));
    TRY("copy_file_range from", copy_file_range(fd, &at, 1, NULL, 5, 0));
    int file = open("/dev/zero", O_RDONLY);
    TRY("copy_file_range to", copy_file_range(file, &at, fd, NULL, 5, 0));
}

CASE(refusals_files) {
    int fd = dial(ECHO_PORT);
    TRY("ftruncate", ftruncate(fd, 0));
    TRY("fsync", fsync(fd));
    TRY("fdatasync", fdatasync(fd));
    TRY("syncfs", syncfs(fd));
    TRY("fallocate", fallocate(fd, 0, 0, 1));
    say("posix_fallocate", "%s", strerrorname_np(posix_fallocate(fd, 0, 1)));
    say("posix_fadvise", "%s", strerrorname_np(posix_fadvise(fd, 0, 1, 0)));
    TRY("readahead", readahead(fd, 0, 1));
    TRY("sync_file_range", sync_file_range(fd, 0, 1, 0));
    TRY("mmap", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
    TRY("flock", flock(fd, LOCK_EX | LOCK_NB));
    TRY("lockf", lockf(fd, F_TEST, 1));
    struct flock lock = {.l_type = F_WRLCK};
    TRY("F_SETLK", fcntl(fd, F_SETLK, &lock));
    TRY("F_GETPIPE_SZ", fcntl(fd, F_GETPIPE_SZ));
    TRY("F_GETLEASE", fcntl(fd, F_GETLEASE));
    TRY("F_NOTIFY", fcntl(fd, F_NOTIFY, 0));
    TRY("F_GET_SEALS", fcntl(fd, F_GET_SEALS));
    TRY("fcntl, unknown", fcntl(fd, 4711, 0));
    TRY("fgetxattr", fgetxattr(fd, "user.x", NULL, 0));
    TRY("fsetxattr", fsetxattr(fd, "user.x", "v", 1, 0));
    TRY("fpathconf", fpathconf(fd, _PC_PIPE_BUF));
}

CASE(refusals_directories) {
    int fd = dial(ECHO_PORT);
    struct stat st;
    TRY("fchdir", fchdir(fd));
    TRY("openat", openat(fd, "x", O_RDONLY));
    TRY("fstatat", fstatat(fd, "x", &st, 0));
    TRY("unlinkat", unlinkat(fd, "x", 0));
    TRY("mkdirat", mkdirat(fd, "x", 0));
    TRY("fdopendir", fdopendir(fd) ? 0 : -1);
    char b[64];
    TRY("getdents", getdents64(fd, b, sizeof b));
}

CASE(refusals_terminals) {
    int fd = dial(ECHO_PORT);
    struct termios t;
    TRY("isatty", isatty(fd) - 1);
    TRY("ttyname", ttyname(fd) ? 0 : -1);
    TRY("tcgetattr", tcgetattr(fd, &t));
    TRY("tcsetpgrp", tcsetpgrp(fd, getpgrp()));
    TRY("tcgetpgrp", tcgetpgrp(fd));
    TRY("tcflush", tcflush(fd, TCIOFLUSH));
    TRY("tcdrain", tcdrain(fd));
    TRY("ptsname", ptsname(fd) ? 0 : -1);
    TRY("grantpt", grantpt(fd));
    TRY("unlockpt", unlockpt(fd));
}

CASE(refusals_kinds) {
    int fd = dial(ECHO_PORT);
    struct itimerspec t = {{0}, {0}};
    TRY("timerfd_settime", timerfd_settime(fd, 0, &t, NULL));
    TRY("inotify_add_watch", inotify_add_watch(fd, "/", IN_CREATE));
    TRY("epoll_ctl on it", epoll_ctl(fd, EPOLL_CTL_ADD, 0, &(struct epoll_event){0}));
    struct epoll_event e;
    TRY("epoll_wait on it", epoll_wait(fd, &e, 1, 0));
    int p[2];
    if (pipe(p)) return;
    struct iovec v = {"x", 1};
    TRY("tee from", tee(fd, p[1], 1, 0));
    TRY("tee to", tee(p[0], fd, 1, 0));
    TRY("vmsplice", vmsplice(fd, &v, 1, 0));
    TRY("isfdtype socket", isfdtype(fd, S_IFSOCK));
    TRY("isfdtype regular", isfdtype(fd, S_IFREG));
}

CASE(refusals_fstat) {
    int a = dial(ECHO_PORT), b = udp(), c = dup(a);
    struct stat x, y, z;
    TRY("fstat", fstat(a, &x) | fstat(b, &y) | fstat(c, &z));
    say("mode", "%o %o", x.st_mode, y.st_mode);
    say("size, links, block size", "%ld %ld %ld", (long)x.st_size, (long)x.st_nlink, (long)x.st_blksize);
    say("two sockets are two", "%d", x.st_ino != y.st_ino);
    say("a copy is the same", "%d", x.st_ino == z.st_ino && x.st_dev == z.st_dev);
    struct statfs f;
    TRY("fstatfs", fstatfs(a, &f));
    say("sockfs", "%lx", (long)f.f_type);
    struct stat w;
    TRY("by number", syscall(SYS_fstat, a, &w));
    say("the same", "%d", w.st_ino == x.st_ino);
    struct statx sx;
    TRY("statx", statx(a, "", AT_EMPTY_PATH, STATX_ALL, &sx));
    say("the same", "%d", sx.stx_ino == x.st_ino);
    TRY("fstatat", fstatat(a, "", &w, AT_EMPTY_PATH));
    say("the same", "%d", w.st_ino == x.st_ino);
    TRY("of a path", fstatat(AT_FDCWD, "/", &w, 0));
    say("a directory", "%d", S_ISDIR(w.st_mode));
}

CASE(libc_aio) {
    int fd = dial(ECHO_PORT);
    char out[] = "by aio", in[16] = "";
    struct aiocb w = {.aio_fildes = fd, .aio_buf = out, .aio_nbytes = 6}, r = {.aio_fildes = fd, .aio_buf = in, .aio_nbytes = 6};
    TRY("aio_write", aio_write(&w));
    TRY("aio_read", aio_read(&r));
    for (int i = 0; i < 200 && (aio_error(&w) == EINPROGRESS || aio_error(&r) == EINPROGRESS); i++) usleep(20000);
    TRY("written", aio_return(&w));
    TRY("read", aio_return(&r));
    say("text", "%s", in);
    TRY("the socket goes on", write(fd, "x", 1));
    TRY("and reads", read(fd, in, 1));
}

CASE(libc_eventfd) {
    int fd = dial(ECHO_PORT);
    eventfd_t v = 0x1122334455667788;
    TRY("eventfd_write", eventfd_write(fd, v));
    v = 0;
    sleep_until_readable(fd);
    TRY("eventfd_read", eventfd_read(fd, &v));
    say("value", "%lx", (long)v);
}

CASE(libc_reserved_ports) {
    int fd = tcp(), port = 1023;
    struct sockaddr_in a = {.sin_family = AF_INET};
    TRY("bindresvport", bindresvport(fd, &a));
    socklen_t len = sizeof a;
    getsockname(fd, (void *)&a, &len);
    say("reserved", "%d", ntohs(a.sin_port) >= 512 && ntohs(a.sin_port) < 1024);
    TRY("connect from it", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("again", bindresvport(fd, NULL));
    int other = rresvport(&port);
    say("rresvport", "%d %d", other >= 0, port > 511 && port < 1024);
    TRY("connect from it", connect_to(other, peer_ip, ECHO_PORT));
    a.sin_family = AF_UNIX;
    TRY("another family", bindresvport(udp(), &a));
}
