/* Waits that end in unusual ways: a handler that waits itself, jumps out of the wait, forks or ends the process; a timer that a
 * thread leaves behind; the last thread. Each in a process of its own. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

static struct sockaddr_in at(const char *ip, int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    inet_pton(AF_INET, ip, &a.sin_addr);
    return a;
}

#define OWN "10.88.45.2"

static int datagram(void)
{
    struct sockaddr_in a = at(OWN, 0);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    return bind(fd, (void *)&a, sizeof a) ? -1 : fd;
}

static void alarm_in(int ms)
{
    struct itimerval t = { { 0, 0 }, { ms / 1000, ms % 1000 * 1000 } };
    setitimer(ITIMER_REAL, &t, NULL);
}

static void on(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(sig, &a, NULL);
}

static void limit(int fd, int option, int ms)
{
    struct timeval t = { ms / 1000, ms % 1000 * 1000 };
    setsockopt(fd, SOL_SOCKET, option, &t, sizeof t);
}

static int other;
static char byte;

/* A timer armed by a call that ends by its time-out: somebody still looks at it. Nobody has this address. */
static int timer(void)
{
    struct sockaddr_in a = at("10.88.45.77", 9);
    close(datagram());
    usleep(500000); /* until the stack has nothing to do */
    int fd = socket(AF_INET, SOCK_STREAM, 0), error = -1;
    socklen_t n = sizeof error;
    limit(fd, SO_SNDTIMEO, 100);
    if (connect(fd, (void *)&a, sizeof a) == 0)
        return 1;
    if (errno == ENETUNREACH)
        return 0;
    sleep(5);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) || error != EHOSTUNREACH;
}

static void *later(void *x)
{
    usleep(100000);
    return x;
}

/* The process ends with its last thread. */
static int last_thread(void)
{
    pthread_t t;
    close(datagram());
    pthread_create(&t, NULL, later, NULL);
    pthread_exit(NULL);
}

static void polls(int sig)
{
    struct pollfd p = { other, POLLIN, 0 };
    (void)sig;
    poll(&p, 1, 0);
}

static void nothing(int sig) { (void)sig; }

/* A handler that waits itself changes nothing for the call that it interrupted. */
static int nested(int flags)
{
    int fd = datagram();
    struct timespec start, end;
    other = datagram();
    on(SIGALRM, polls, flags);
    on(SIGUSR1, nothing, 0);
    pid_t me = getpid(), child = fork();
    if (child == 0) {
        usleep(600000);
        kill(me, SIGUSR1);
        _exit(0);
    }
    alarm_in(100);
    clock_gettime(CLOCK_MONOTONIC, &start);
    int n = (int)recv(fd, &byte, 1, 0), e = errno;
    clock_gettime(CLOCK_MONOTONIC, &end);
    long ms = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
    waitpid(child, NULL, 0);
    return n != -1 || e != EINTR || (flags ? ms < 400 : ms > 400);
}

static int nested_restart(void) { return nested(SA_RESTART); }
static int nested_interrupt(void) { return nested(0); }

static sigjmp_buf back;

static void jumps(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

/* A wait that was left by siglongjmp holds nothing: the socket ends with its close. */
static int jump(void)
{
    struct sockaddr_in a = at(OWN, 7777);
    int l = socket(AF_INET, SOCK_STREAM, 0), s = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(l, (void *)&a, sizeof a) || listen(l, 1) || connect(s, (void *)&a, sizeof a))
        return 2;
    int peer = accept(l, NULL, NULL);
    on(SIGALRM, jumps, 0);
    if (!sigsetjmp(back, 1)) {
        alarm_in(100);
        recv(s, &byte, 1, 0);
        return 3;
    }
    if (!sigsetjmp(back, 1)) {
        struct pollfd p[2] = { { s, POLLIN, 0 }, { peer, POLLIN, 0 } };
        alarm_in(100);
        poll(p, 2, -1);
        return 4;
    }
    close(s);
    limit(peer, SO_RCVTIMEO, 2000);
    return recv(peer, &byte, 1, 0) != 0;
}

static sigjmp_buf inner;

static void jumps_within(int sig)
{
    (void)sig;
    if (!sigsetjmp(inner, 0))
        siglongjmp(inner, 1);
}

/* A jump within the handler leaves the wait as it is. */
static int jump_within(void)
{
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    int fd = datagram();
    getsockname(fd, (void *)&a, &n);
    on(SIGALRM, jumps_within, SA_RESTART);
    pid_t child = fork();
    if (child == 0) {
        sleep(1);
        _exit(0);
    }
    alarm_in(100);
    limit(fd, SO_RCVTIMEO, 0);
    on(SIGUSR1, nothing, 0);
    pthread_t t;
    pthread_create(&t, NULL, later, NULL);
    pthread_join(t, NULL);
    sendto(fd, "x", 1, 0, (void *)&a, sizeof a);
    int good = recv(fd, &byte, 1, 0) == 1 && byte == 'x';
    alarm_in(100);
    on(SIGALRM, jumps_within, 0);
    good = good && recv(fd, &byte, 1, 0) == -1 && errno == EINTR;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return !good;
}

static pid_t forked = -1;

static void forks(int sig)
{
    (void)sig;
    forked = fork();
}

/* The child of a fork in a handler comes back from the wait. */
static int fork_within(void)
{
    int fd = datagram(), status;
    on(SIGALRM, forks, 0);
    alarm_in(100);
    int n = (int)recv(fd, &byte, 1, 0);
    if (forked == 0)
        _exit(n == -1 ? 7 : 1);
    for (int i = 0; i < 30; i++) {
        if (waitpid(forked, &status, WNOHANG) == forked)
            return !WIFEXITED(status) || WEXITSTATUS(status) != 7;
        usleep(100000);
    }
    kill(forked, SIGKILL);
    return 1;
}

static void ends(int sig)
{
    (void)sig;
    _exit(0);
}

/* A bad pointer is EFAULT, or a fault whose handler can end the process. */
static int fault(void)
{
    struct sockaddr_in a = at(OWN, 9);
    int fd = datagram();
    char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    on(SIGSEGV, ends, 0);
    return sendto(fd, p, 100, 0, (void *)&a, sizeof a) != -1;
}

/* What was closed is out of its epoll set, whatever a child of a fork still has. */
static int epoll_fork(void)
{
    int fd = datagram(), set = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN };
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
    pid_t child = fork();
    if (child == 0) {
        sleep(5);
        _exit(0);
    }
    close(fd);
    int n = epoll_wait(set, &e, 1, 200);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return n != 0;
}

/* A socket that gets a new object behind its number is not added to a set that took the number of its old one. */
static int stale_set(void)
{
    struct sockaddr_in a = at(OWN, 9), local;
    socklen_t n = sizeof local;
    int fd = datagram(), set = epoll_create1(0);
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT };
    epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
    close(set);
    if (epoll_create1(0) != set)
        return 2;
    connect(fd, (void *)&a, sizeof a);
    send(fd, "x", 1, 0);
    usleep(100000);
    if (recv(fd, &byte, 1, MSG_DONTWAIT) != -1 || errno != ECONNREFUSED)
        return 3;
    getsockname(fd, (void *)&local, &n);
    recv(fd, &byte, 1, MSG_DONTWAIT);
    return epoll_wait(set, &e, 1, 100) != 0;
}

static int run(int (*body)(void))
{
    int status;
    pid_t child = fork();
    if (child == 0)
        exit(body());
    for (int i = 0; i < 150; i++) {
        if (waitpid(child, &status, WNOHANG) == child)
            return WIFEXITED(status) && WEXITSTATUS(status) == 0;
        usleep(100000);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    fprintf(stderr, "it hangs\n");
    return 0;
}

int main(void)
{
    CHECK("timer", run(timer));
    CHECK("last thread", run(last_thread));
    CHECK("handler that waits, SA_RESTART", run(nested_restart));
    CHECK("handler that waits", run(nested_interrupt));
    CHECK("jump out of a wait", run(jump));
    CHECK("jump within a handler", run(jump_within));
    CHECK("fork in a handler", run(fork_within));
    CHECK("fault", run(fault));
    CHECK("epoll after fork", run(epoll_fork));
    CHECK("stale epoll set", run(stale_set));
    DONE();
}
