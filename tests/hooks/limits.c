/* RLIMIT_NOFILE is the program's own, also once the library has raised it for itself; EMFILE comes where it should. */
#include "check.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int to_the_limit(int (*make)(void))
{
    int fd, highest = -1;
    while ((fd = make()) >= 0)
        highest = fd;
    int e = errno;
    for (fd = 10; fd <= highest; fd++)
        close(fd);
    errno = e;
    return highest;
}

static int by_open(void)
{
    return open("/dev/null", O_RDONLY);
}

static int by_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM, 0);
}

static int by_pipe(void)
{
    int p[2];
    return pipe(p) ? -1 : p[0] > p[1] ? p[0] : p[1];
}

static int by_fopen(void)
{
    FILE *f = fopen("/dev/null", "r");
    return f ? fileno(f) : -1;
}

int main(void)
{
    struct rlimit before, after, set = {64, 0}, back;
    getrlimit(RLIMIT_NOFILE, &before);
    close_range(3, ~0u, 0);
    for (int fd = 3; fd < 10; fd++)
        dup2(0, fd);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK("socket", s == 10);
    CHECK("getrlimit", !getrlimit(RLIMIT_NOFILE, &after) && after.rlim_cur == before.rlim_cur && after.rlim_max == before.rlim_max);
    CHECK("prlimit", !prlimit(0, RLIMIT_NOFILE, NULL, &after) && after.rlim_cur == before.rlim_cur);
    CHECK("syscall(SYS_prlimit64)", !syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &after) && after.rlim_cur == before.rlim_cur);
    CHECK("sysconf", sysconf(_SC_OPEN_MAX) == (long)before.rlim_cur);
    CHECK("getdtablesize", getdtablesize() == (int)before.rlim_cur);
    set.rlim_max = before.rlim_max;
    CHECK("setrlimit", !setrlimit(RLIMIT_NOFILE, &set));
    CHECK("and it shows", !getrlimit(RLIMIT_NOFILE, &back) && back.rlim_cur == 64 && back.rlim_max == before.rlim_max);
    CHECK("prlimit gives the old", !prlimit(getpid(), RLIMIT_NOFILE, &set, &back) && back.rlim_cur == 64);
    close(s);
    CHECK("open to the limit", to_the_limit(by_open) == 63 && errno == EMFILE);
    CHECK("socket to the limit", to_the_limit(by_socket) == 63 && errno == EMFILE);
    CHECK("pipe to the limit", to_the_limit(by_pipe) == 63 && errno == EMFILE);
    CHECK("fopen to the limit", to_the_limit(by_fopen) == 63 && errno == EMFILE);
    errno = 0;
    CHECK("dup2 above it", dup2(0, 64) == -1 && errno == EBADF);
    errno = 0;
    CHECK("F_DUPFD above it", fcntl(0, F_DUPFD, 64) == -1 && errno == EINVAL);
    CHECK("dup2 below it", dup2(0, 63) == 63);
    close(63);
    set.rlim_cur = before.rlim_max;
    set.rlim_max = before.rlim_max;
    CHECK("up to the hard limit", !setrlimit(RLIMIT_NOFILE, &set));
    set.rlim_cur = 65;
    set.rlim_max = 64;
    errno = 0;
    CHECK("soft above hard", setrlimit(RLIMIT_NOFILE, &set) == -1 && errno == EINVAL);
    set.rlim_cur = 48;
    set.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_NOFILE, &set);
    s = socket(AF_INET, SOCK_STREAM, 0);
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", "[ `ulimit -Sn` = 48 ]", NULL);
        _exit(9);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK("a new image has it", status == 0);
    DONE();
}
