/* The slot table never lies: after every way to close or replace a socket's number, and after calls that get the number of a
 * socket closed where no hook looks, the number is the new owner's. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

static int ours(void)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0) {
        perror("socket");
        exit(2);
    }
    return s;
}

/* A close that no hook sees. */
static void unseen_close(int fd)
{
#if defined(__x86_64__)
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(SYS_close), "D"(fd) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = SYS_close;
    register long x0 __asm__("x0") = fd;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory");
#endif
}

/* True when `fd` is a plain kernel object for read and write: a byte goes through it and comes back. */
static int plain(int fd)
{
    int p[2];
    char c = 'x';
    if (syscall(SYS_pipe2, p, 0))
        return 0;
    /* fd becomes the pipe's writing end by a raw call, so that only the slot decides. */
    int keep = syscall(SYS_fcntl, fd, F_DUPFD, 200);
    long r;
#if defined(__x86_64__)
    __asm__ volatile("syscall" : "=a"(r) : "a"(SYS_dup2), "D"(p[1]), "S"(fd) : "rcx", "r11", "memory");
#else
    register long x8 __asm__("x8") = SYS_dup3;
    register long x0 __asm__("x0") = p[1];
    register long x1 __asm__("x1") = fd;
    register long x2 __asm__("x2") = 0;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    r = x0;
#endif
    int ok = r == fd && write(fd, &c, 1) == 1 && read(p[0], &c, 1) == 1 && c == 'x';
    close(p[0]);
    close(p[1]);
    if (keep >= 0)
        close(keep);
    return ok;
}

/* After `fd` was closed: is the number free, and does its next owner have it? */
static int released(int fd)
{
    int p[2];
    if (fcntl(fd, F_GETFD) != -1 || errno != EBADF)
        return 0;
    if (pipe(p))
        return 0;
    int ok = (p[0] == fd || p[1] == fd);
    char c = 'y';
    ok = ok && write(p[1], &c, 1) == 1 && read(p[0], &c, 1) == 1;
    close(p[0]);
    close(p[1]);
    return ok;
}

#define CLOSES(name, statement)        \
    do {                               \
        int s = ours();                \
        statement;                     \
        CHECK(name, released(s));      \
    } while (0)

/* The call gets the number of a socket that was closed unseen. */
#define TAKES(name, expression)                                \
    do {                                                       \
        int s = ours();                                        \
        unseen_close(s);                                       \
        int got = (expression);                                \
        CHECK(name, got == s && plain(got));                   \
        close(got);                                            \
    } while (0)

int main(void)
{
    int null = open("/dev/null", O_RDWR);
    CLOSES("close", close(s));
    CLOSES("syscall(SYS_close)", syscall(SYS_close, s));
    CLOSES("close_range", close_range(s, s, 0));
    CLOSES("close_range to the end", close_range(s, ~0u, 0));
    CLOSES("syscall(SYS_close_range)", syscall(SYS_close_range, s, s, 0));
    CLOSES("closefrom", closefrom(s));
    CLOSES("dup2 onto", { dup2(null, s); close(s); });
    CLOSES("dup3 onto", { dup3(null, s, O_CLOEXEC); close(s); });
    CLOSES("syscall(SYS_dup3) onto", { syscall(SYS_dup3, null, s, 0); close(s); });
    CLOSES("dup and both closed", { int d = dup(s); close(d); close(s); });
    CLOSES("F_DUPFD and both closed", { int d = fcntl(s, F_DUPFD_CLOEXEC, 50); if (d < 50) failures++; close(d); close(s); });

    {
        int s = ours();
        dup2(null, s);
        CHECK("dup2 onto leaves the new object", plain(s));
        close(s);
    }
    {
        int s = ours();
        CHECK("dup2 onto itself", dup2(s, s) == s && fcntl(s, F_GETFD) != -1);
        CHECK("dup3 onto itself", dup3(s, s, 0) == -1 && errno == EINVAL);
        close(s);
        CHECK("dup2 of a closed one", dup2(s, 99) == -1 && errno == EBADF);
    }
    {
        FILE *f = fopen("/dev/null", "r+");
        int fd = fileno(f);
        int s = ours();
        dup2(s, fd);
        close(s);
        fclose(f);
        CHECK("fclose on its number", released(fd));
    }
    {
        FILE *f = fopen("/dev/null", "r+");
        int fd = fileno(f);
        int s = ours();
        dup2(s, fd);
        close(s);
        f = freopen("/dev/zero", "r+", f);
        char c = 1;
        CHECK("freopen on its number", f && fileno(f) == fd && read(fd, &c, 1) == 1 && c == 0);
        fclose(f);
    }
    {
        int s = ours();
        close_range(s, s, CLOSE_RANGE_CLOEXEC);
        CHECK("close_range CLOEXEC closes nothing", fcntl(s, F_GETFD) == FD_CLOEXEC);
        close(s);
    }

    TAKES("open", open("/dev/null", O_RDWR));
    TAKES("open64", open64("/dev/null", O_RDWR));
    TAKES("openat", openat(AT_FDCWD, "/dev/null", O_RDWR));
    TAKES("openat64", openat64(AT_FDCWD, "/dev/null", O_RDWR));
    TAKES("creat", creat("/dev/null", 0600));
    TAKES("syscall(SYS_openat)", syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR));
    TAKES("dup", dup(null));
    TAKES("F_DUPFD", fcntl(null, F_DUPFD, 3));
    TAKES("F_DUPFD_CLOEXEC", fcntl(null, F_DUPFD_CLOEXEC, 3));
    TAKES("eventfd", eventfd(0, 0));
    TAKES("timerfd_create", timerfd_create(CLOCK_MONOTONIC, 0));
    TAKES("inotify_init", inotify_init());
    TAKES("inotify_init1", inotify_init1(IN_CLOEXEC));
    TAKES("memfd_create", memfd_create("x", 0));
    TAKES("epoll_create", epoll_create(1));
    TAKES("epoll_create1", epoll_create1(0));
    TAKES("socket(AF_UNIX)", socket(AF_UNIX, SOCK_STREAM, 0));
    TAKES("dup2", dup2(null, s));
    {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        TAKES("signalfd", signalfd(-1, &set, 0));
    }
    {
        int p[2];
        TAKES("pipe", pipe(p) ? -1 : (close(p[1]), p[0]));
        TAKES("pipe2", pipe2(p, O_CLOEXEC) ? -1 : (close(p[1]), p[0]));
        TAKES("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, p) ? -1 : (close(p[1]), p[0]));
    }
    {
        char path[] = "/tmp/matnet-hooks-XXXXXX";
        TAKES("mkstemp", mkstemp(path));
        unlink(path);
    }
    {
        int s = ours();
        unseen_close(s);
        FILE *f = fopen("/dev/null", "r+");
        CHECK("fopen", fileno(f) == s && plain(s));
        fclose(f);
    }
    {
        int s = ours();
        unseen_close(s);
        FILE *f = tmpfile();
        CHECK("tmpfile", f && fileno(f) == s && plain(s));
        fclose(f);
    }
    {
        int s = ours();
        unseen_close(s);
        DIR *d = opendir("/");
        CHECK("opendir", dirfd(d) == s && plain(s));
        closedir(d);
    }
    {
        struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0matnet-hooks-slots"};
        socklen_t n = sizeof a;
        int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
        CHECK("unix pair", !bind(l, (void *)&a, n) && !listen(l, 5) && !connect(c, (void *)&a, n));
        TAKES("accept", accept(l, NULL, NULL));
        close(c);
        c = socket(AF_UNIX, SOCK_STREAM, 0);
        connect(c, (void *)&a, n);
        TAKES("accept4", accept4(l, NULL, NULL, SOCK_CLOEXEC));
        close(c);
        close(l);
    }
    {
        /* SCM_RIGHTS */
        int p[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, p);
        char c = 'c', control[CMSG_SPACE(sizeof(int))];
        struct iovec v = {&c, 1};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(h), &null, sizeof null);
        sendmsg(p[0], &m, 0);
        int s = ours(), got = -1;
        unseen_close(s);
        m.msg_controllen = sizeof control;
        if (recvmsg(p[1], &m, 0) == 1)
            memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof got);
        CHECK("SCM_RIGHTS", got == s && plain(got));
        close(got);
        close(p[0]);
        close(p[1]);
    }
    {
        /* A forked child may close what it inherited; the parent's stays. */
        int s = ours();
        pid_t pid = fork();
        if (pid == 0) {
            if (close(s))
                _exit(1);
            int n = open("/dev/null", O_RDWR);
            _exit(n == s && plain(n) ? 0 : 2);
        }
        int status = -1;
        waitpid(pid, &status, 0);
        CHECK("close in a child", status == 0);
        struct sockaddr_in a;
        socklen_t n = sizeof a;
        CHECK("the parent's socket lives", !getsockname(s, (void *)&a, &n) && a.sin_family == AF_INET);
        close(s);
    }
    errno = 0;
    CHECK("close of nothing", close(9999) == -1 && errno == EBADF);
    CHECK("close of -1", close(-1) == -1 && errno == EBADF);
    errno = E2BIG;
    {
        int s = ours();
        CHECK("errno survives success", errno == E2BIG && !close(s) && errno == E2BIG);
    }
    DONE();
}
