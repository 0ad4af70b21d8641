/* Who attends to the device while threads wait, compute, are stuck, are cancelled, jump away.
 *
 * driving echo PORT                  a kernel server: answers each message of 64 bytes after the milliseconds that it names
 * driving SCENE HOST PORT [N [M]]    one scene, under the library; see main
 *
 * Prints "SCENE right", or what went wrong and exits 1. A stall prints where every thread is. Bounds are wide, far above what a busy
 * machine delays and far below the time that an answer would take if nobody attended: most would never come. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 64, SIZE = 64, LATE = 700, STALLED = 10 };

static struct sockaddr_in to;
static atomic_ulong progress[THREADS];
static const char *volatile doing[THREADS];
static pthread_barrier_t barrier;

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void rest(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&t, &t) < 0 && errno == EINTR)
        ;
}

/* Computes, without a call into anything. */
static void compute(int ms)
{
    for (long long end = now_ms() + ms; now_ms() < end;)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

static void tell_threads(void)
{
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[300], line[128] = "", stat[64] = "";
        snprintf(name, sizeof name, "/proc/self/task/%s/syscall", e->d_name);
        FILE *f = e->d_name[0] == '.' ? NULL : fopen(name, "r");
        if (!f)
            continue;
        if (fgets(line, sizeof line, f))
            line[strcspn(line, "\n")] = 0;
        fclose(f);
        snprintf(name, sizeof name, "/proc/self/task/%s/comm", e->d_name);
        if ((f = fopen(name, "r"))) {
            if (fgets(stat, sizeof stat, f))
                stat[strcspn(stat, "\n")] = 0;
            fclose(f);
        }
        fprintf(stderr, "thread %s (%s): system call %s\n", e->d_name, stat, line);
    }
    for (int i = 0; i < THREADS; i++)
        if (progress[i] || doing[i])
            fprintf(stderr, "worker %d: %lu, %s\n", i, progress[i], doing[i] ? doing[i] : "?");
}

__attribute__((format(printf, 1, 2), noreturn)) static void wrong(const char *format, ...)
{
    int error = errno;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (%s)\n", strerror(error));
    tell_threads();
    _exit(1);
}

/* Ends a run in which nothing moves. */
static void *watchdog(void *arg)
{
    (void)arg;
    unsigned long last = 0;
    for (int quiet = 0;;) {
        rest(1000);
        unsigned long sum = 0;
        for (int i = 0; i < THREADS; i++)
            sum += progress[i];
        quiet = sum == last ? quiet + 1 : 0;
        last = sum;
        if (quiet >= STALLED)
            wrong("no progress for %d s", quiet);
    }
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        wrong("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* Asks for an answer after `delay` ms; -1: never. */
static void ask(int fd, int delay, unsigned key)
{
    int message[SIZE / sizeof(int)] = {delay, (int)key};
    if (send(fd, message, sizeof message, 0) != sizeof message)
        wrong("send");
}

static void take(int fd, unsigned key, int flags)
{
    int message[SIZE / sizeof(int)];
    size_t have = 0;
    for (long long end = now_ms() + 5000; have < sizeof message;) {
        ssize_t n = recv(fd, (char *)message + have, sizeof message - have, flags);
        if (n < 0 && ((errno == EAGAIN && now_ms() < end) || errno == EINTR))
            continue;
        if (n <= 0)
            wrong("recv: %zd after %zu bytes", n, have);
        have += (size_t)n;
    }
    if (message[1] != (int)key)
        wrong("message %d instead of %u", message[1], key);
}

/* Says `word`, and waits until the script has made the file $GO.word. */
static void tell(const char *word)
{
    char name[300];
    snprintf(name, sizeof name, "%s.%s", getenv("GO") ? getenv("GO") : "/nonexistent", word);
    printf("%s\n", word);
    fflush(stdout);
    for (int i = 0; access(name, F_OK) < 0; i++) {
        if (i > 2000)
            wrong("no %s", name);
        rest(10);
    }
}

/* What may change while a wait goes on is bounded: an answer asked for `delay` ms comes within LATE ms of that. */
static void prompt(const char *what, long long asked, int delay)
{
    long long took = now_ms() - asked;
    if (took < delay - 5 || took > delay + LATE)
        wrong("%s: an answer after %d ms took %lld ms", what, delay, took);
}

/* --- threads that wait ---------------------------------------------------------------------------------------- */

/* Waits for an answer that never comes: the driver, when it is the first to wait. */
static void *forever(void *arg)
{
    char byte;
    ssize_t n = recv((int)(size_t)arg, &byte, 1, 0);
    return (void *)(size_t)(n < 0 ? errno : 0);
}

struct waiting {
    int fd, delay, mode;
    const char *what;
};
enum { BY_RECV, BY_POLL, BY_EPOLL, BY_LOOP, MODES };
static const char *const modes[] = {"recv", "poll", "epoll_wait", "recv that does not wait"};

static void *answer(void *arg)
{
    struct waiting *w = arg;
    long long asked = now_ms();
    ask(w->fd, w->delay, 7);
    if (w->mode == BY_POLL) {
        struct pollfd p = {w->fd, POLLIN, 0};
        if (poll(&p, 1, 8000) != 1)
            wrong("%s: poll", w->what);
    } else if (w->mode == BY_EPOLL) {
        struct epoll_event e = {.events = EPOLLIN};
        int set = epoll_create1(0);
        if (epoll_ctl(set, EPOLL_CTL_ADD, w->fd, &e) < 0 || epoll_wait(set, &e, 1, 8000) != 1)
            wrong("%s: epoll", w->what);
        close(set);
    }
    take(w->fd, 7, w->mode == BY_LOOP ? MSG_DONTWAIT : 0);
    prompt(w->what, asked, w->delay);
    return NULL;
}

static pthread_t spawn(void *(*f)(void *), void *arg)
{
    pthread_t t;
    if (pthread_create(&t, NULL, f, arg))
        wrong("pthread_create");
    return t;
}

/* --- scenes --------------------------------------------------------------------------------------------------- */

static atomic_int stuck, let_go;
static sigjmp_buf jump;
static __thread sigjmp_buf inner;

static void get_stuck(int sig)
{
    (void)sig;
    stuck = 1;
    while (!let_go)
        rest(5);
}

static void jump_away(int sig)
{
    (void)sig;
    siglongjmp(jump, 1);
}

static void catch(int sig, void (*handler)(int), int flags)
{
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    sigaction(sig, &a, NULL);
}

/* A thread that drives gets stuck in a handler; one waits already, others come later. */
static void scene_handler(int flags)
{
    catch(SIGUSR1, get_stuck, flags);
    for (int mode = 0; mode < MODES; mode++) {
        stuck = let_go = 0;
        int idle = dial(), before = dial(), after = dial();
        pthread_t driver = spawn(forever, (void *)(size_t)idle);
        rest(50);
        struct waiting w = {before, 300, mode, "waiting before the handler"};
        pthread_t other = spawn(answer, &w);
        rest(100);
        pthread_kill(driver, SIGUSR1);
        while (!stuck)
            rest(1);
        struct waiting v = {after, 100, mode, "waiting beside the handler"};
        answer(&v);
        pthread_join(other, NULL);
        for (unsigned i = 0; i < 200; i++) {
            long long asked = now_ms();
            ask(after, 0, i);
            take(after, i, 0);
            prompt(modes[mode], asked, 0);
        }
        let_go = 1;
        rest(20);
        if (flags & SA_RESTART)
            ask(idle, 0, 0);
        void *error;
        pthread_join(driver, &error);
        if ((size_t)error != (flags & SA_RESTART ? 0u : (size_t)EINTR))
            wrong("the interrupted recv: %s", strerror((int)(size_t)error));
        close(idle), close(before), close(after);
    }
}

static void scene_cancel(void)
{
    for (int i = 0; i < 40; i++) {
        int idle = dial(), fd = dial();
        pthread_t driver = spawn(forever, (void *)(size_t)idle);
        rest(i % 4 * 2);
        struct waiting w = {fd, 60, i % MODES, "waiting beside a cancelled thread"};
        pthread_t other = spawn(answer, &w);
        rest(20 + i % 3);
        pthread_cancel(driver);
        void *result;
        pthread_join(driver, &result);
        if (result != PTHREAD_CANCELED)
            wrong("the thread was not cancelled");
        pthread_join(other, NULL);
        close(idle), close(fd);
    }
}

static void *jumper(void *arg)
{
    int fd = (int)(size_t)arg;
    char byte;
    if (sigsetjmp(jump, 1) == 0) {
        recv(fd, &byte, 1, 0);
        wrong("recv returned");
    }
    /* It does not come back to the library for a while. */
    compute(100);
    ask(fd, 0, 3);
    take(fd, 3, 0);
    return NULL;
}

static void scene_jump(void)
{
    catch(SIGUSR1, jump_away, 0);
    for (int i = 0; i < 30; i++) {
        int idle = dial(), fd = dial();
        pthread_t driver = spawn(jumper, (void *)(size_t)idle);
        rest(10 + i % 4);
        struct waiting w = {fd, 60, i % MODES, "waiting beside a thread that jumped"};
        pthread_t other = spawn(answer, &w);
        rest(20 + i % 3);
        pthread_kill(driver, SIGUSR1);
        pthread_join(driver, NULL);
        pthread_join(other, NULL);
        close(idle), close(fd);
    }
}

static void *hops(void *arg)
{
    struct waiting *w = arg;
    ask(w->fd, 0, 1);
    take(w->fd, 1, 0);
    pthread_barrier_wait(&barrier);
    compute(1500);
    return NULL;
}

/* A thread drives, and then computes without ever calling. */
static void scene_compute(void)
{
    for (int mode = 0; mode < MODES; mode++) {
        struct waiting w = {dial(), 0, BY_RECV, "computes"}, v = {dial(), 200, mode, modes[mode]};
        pthread_barrier_init(&barrier, NULL, 2);
        pthread_t driver = spawn(hops, &w), other = spawn(answer, &v);
        pthread_barrier_wait(&barrier);
        pthread_join(other, NULL);
        pthread_join(driver, NULL);
        close(w.fd), close(v.fd);
    }
}

static int messages;

static void *pingpong(void *arg)
{
    int me = (int)(size_t)arg;
    unsigned seed = (unsigned)me;
    int fd = dial();
    doing[me] = "round trips";
    for (unsigned i = 0; i < (unsigned)messages; i++) {
        ask(fd, rand_r(&seed) % 1000 == 0, i);
        take(fd, i, 0);
        progress[me]++;
        if (rand_r(&seed) % 64 == 0)
            sched_yield();
    }
    doing[me] = "done";
    close(fd);
    return NULL;
}

static void scene_pingpong(int threads, int each)
{
    messages = each;
    spawn(watchdog, NULL);
    pthread_t t[THREADS];
    for (int i = 0; i < threads; i++)
        t[i] = spawn(pingpong, (void *)(size_t)i);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
}

/* Context switches of all threads but this one: every wake-up is one. */
static unsigned long switches(void)
{
    unsigned long sum = 0;
    DIR *d = opendir("/proc/self/task");
    for (struct dirent *e; d && (e = readdir(d));) {
        char name[300], line[256];
        if (e->d_name[0] == '.' || atoi(e->d_name) == (int)syscall(SYS_gettid))
            continue;
        snprintf(name, sizeof name, "/proc/self/task/%s/status", e->d_name);
        FILE *f = fopen(name, "r");
        while (f && fgets(line, sizeof line, f)) {
            unsigned long n;
            if (sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
                sum += n;
        }
        if (f)
            fclose(f);
    }
    closedir(d);
    return sum;
}

static void quiet(const char *what, int seconds)
{
    struct rusage before, after;
    unsigned long from = switches();
    getrusage(RUSAGE_SELF, &before);
    rest(seconds * 1000);
    getrusage(RUSAGE_SELF, &after);
    unsigned long woken = switches() - from;
    long us = (after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1000000L +
              after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec;
    fprintf(stderr, "%s: %lu wake-ups and %ld us of processor time in %d s\n", what, woken, us, seconds);
    if (woken != 0 || us > 20000)
        wrong("%s: not idle", what);
}

static void *polls(void *arg)
{
    struct pollfd p = {(int)(size_t)arg, POLLIN, 0};
    return (void *)(size_t)(poll(&p, 1, -1) == 1 ? p.revents : 0);
}

static void scene_idle(int seconds)
{
    int a = dial(), b = dial(), c = dial();
    struct waiting w = {a, 0, BY_RECV, "idle"};
    answer(&w);
    rest(500); /* what is left of delayed acknowledgements and naps */
    quiet("nobody waits", seconds);
    spawn(forever, (void *)(size_t)a);
    rest(100);
    quiet("one drives", seconds);
    spawn(forever, (void *)(size_t)b);
    spawn(polls, (void *)(size_t)c);
    rest(100);
    quiet("one drives, two sleep", seconds);
}

/* The script takes the device away after "ready". */
static void scene_vanish(void)
{
    int a = dial(), b = dial(), c = dial(), d = dial();
    pthread_t drives = spawn(forever, (void *)(size_t)a);
    rest(50);
    pthread_t sleeps = spawn(forever, (void *)(size_t)b), polling = spawn(polls, (void *)(size_t)c);
    rest(50);
    tell("ready");
    void *r[3];
    pthread_join(drives, &r[0]);
    pthread_join(sleeps, &r[1]);
    pthread_join(polling, &r[2]);
    if ((size_t)r[0] != ENETDOWN || (size_t)r[1] != ENETDOWN)
        wrong("recv: %s, %s", strerror((int)(size_t)r[0]), strerror((int)(size_t)r[1]));
    if (((size_t)r[2] & (POLLERR | POLLHUP)) != (POLLERR | POLLHUP))
        wrong("poll says %zx", (size_t)r[2]);
    char byte = 0;
    struct pollfd p = {d, POLLIN, 0};
    if (poll(&p, 1, 1000) != 1 || !(p.revents & POLLERR) || send(d, &byte, 1, MSG_NOSIGNAL) != -1 || errno != ENETDOWN)
        wrong("a socket that nobody waited on: poll %x", p.revents);
    int fresh = socket(AF_INET, SOCK_STREAM, 0);
    if (fresh >= 0 && connect(fresh, (struct sockaddr *)&to, sizeof to) == 0)
        wrong("connect succeeds");
    quiet("without a device", 2);
}

/* A driver without a deadline, while another thread sends what is not acknowledged: the script drops what goes to the second
 * port, and looks at the capture. The driver stays, or leaves in the middle. */
static void scene_timers(int port, int leaves)
{
    int a = dial();
    to.sin_port = htons((unsigned short)port);
    int b = dial();
    pthread_t driver = spawn(forever, (void *)(size_t)a);
    tell("ready");
    ask(b, 0, 1);
    rest(50);
    if (leaves) {
        ask(a, 0, 1);
        pthread_join(driver, NULL);
    }
    rest(1500);
    tell("sent");
    take(b, 1, 0);
}

/* --- hostile scenes ------------------------------------------------------------------------------------------- */

static atomic_int pending_jump;

/* Jumps within itself: the wait below is let go of and goes on. */
static void jump_within(int sig)
{
    (void)sig;
    if (sigsetjmp(inner, 0) == 0)
        siglongjmp(inner, 1);
    pending_jump++;
}

static atomic_uint asking[2], woken[2];

/* Says when it is about to ask, and again when it was signalled, so that there is one handler for each wait. */
static void *inner_waiter(void *arg)
{
    int me = (int)(size_t)arg;
    int fd = dial();
    for (unsigned i = 0; i < (unsigned)messages; i++) {
        asking[me]++;
        ask(fd, i % 4 == 0, i);
        if (me & 1) {
            struct pollfd p = {fd, POLLIN, 0};
            while (poll(&p, 1, -1) < 0)
                if (errno != EINTR)
                    wrong("poll");
        }
        take(fd, i, 0);
        while (woken[me] != asking[me])
            sched_yield();
        progress[me]++;
    }
    close(fd);
    return NULL;
}

/* One handler that jumps within itself for each wait, around the moment when the wait begins. */
static void scene_within(int flags, int each)
{
    messages = each;
    catch(SIGUSR1, jump_within, flags);
    spawn(watchdog, NULL);
    pthread_t t[2];
    unsigned seed = 1;
    for (int i = 0; i < 2; i++)
        t[i] = spawn(inner_waiter, (void *)(size_t)i);
    for (int left = 2 * each; left > 0;)
        for (int i = 0; i < 2; i++)
            if (woken[i] != asking[i]) {
                for (volatile int spin = rand_r(&seed) % 30000; spin > 0; spin--)
                    ;
                pthread_kill(t[i], SIGUSR1);
                woken[i]++;
                left--;
            }
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

static atomic_int in_child;
static int second;

static void fork_handler(int sig)
{
    (void)sig;
    in_child = fork() == 0;
}

static void *forker(void *arg)
{
    char message[SIZE];
    ssize_t n = recv((int)(size_t)arg, message, sizeof message, MSG_WAITALL);
    if (in_child) /* the stack is the parent's */
        _exit(n == -1 && errno == ENETDOWN ? 0 : 1);
    if (n != sizeof message)
        wrong("recv after a fork in its handler: %zd", n);
    return NULL;
}

/* A handler forks while its thread drives. */
static void scene_forks(void)
{
    catch(SIGUSR1, fork_handler, SA_RESTART);
    for (int i = 0; i < 20; i++) {
        int fd = dial(), beside = dial(), status;
        pthread_t driver = spawn(forker, (void *)(size_t)fd);
        rest(5);
        struct waiting w = {beside, 60, i % MODES, "waiting beside a thread that forks"};
        pthread_t other = spawn(answer, &w);
        rest(10);
        pthread_kill(driver, SIGUSR1);
        while (wait(&status) < 0)
            if (errno != ECHILD) /* not yet forked */
                wrong("wait");
        if (status != 0)
            wrong("the child: status %x", status);
        pthread_join(other, NULL);
        ask(fd, 0, 0);
        pthread_join(driver, NULL);
        close(fd), close(beside);
    }
}

/* Waits itself, until the second handler jumps out of that wait. */
static void outer_handler(int sig)
{
    (void)sig;
    char byte;
    stuck = 1;
    if (sigsetjmp(inner, 1) == 0) {
        recv(second, &byte, 1, 0);
        _exit(4);
    }
    let_go = 1;
}

static void inner_handler(int sig)
{
    (void)sig;
    siglongjmp(inner, 1);
}

static void *outer_waiter(void *arg)
{
    take((int)(size_t)arg, 5, 0);
    return NULL;
}

/* A wait, in its handler another wait, and a handler that jumps out of that: the first wait goes on. */
static void scene_nested(void)
{
    catch(SIGUSR1, outer_handler, SA_RESTART);
    catch(SIGUSR2, inner_handler, SA_RESTART);
    for (int i = 0; i < 30; i++) {
        stuck = let_go = 0;
        int fd = dial(), beside = dial();
        second = dial();
        pthread_t t = spawn(outer_waiter, (void *)(size_t)fd);
        struct waiting w = {beside, 60, i % MODES, "waiting beside nested waits"};
        pthread_t other = spawn(answer, &w);
        rest(i % 5);
        pthread_kill(t, SIGUSR1);
        while (!stuck)
            rest(1);
        rest(i % 3);
        pthread_kill(t, SIGUSR2);
        pthread_join(other, NULL);
        while (!let_go)
            rest(1);
        ask(fd, 0, 5);
        pthread_join(t, NULL);
        close(fd), close(beside), close(second);
    }
}

static int pipes[2];
static __thread int mine = -1;

/* A cancellation point in a handler. */
static void write_handler(int sig)
{
    (void)sig;
    int error = errno;
    if (write(pipes[1], "x", 1) < 0 && errno != EAGAIN)
        _exit(3);
    errno = error;
}

/* Takes the lock in a handler. */
static void send_handler(int sig)
{
    (void)sig;
    int error = errno, message[SIZE / sizeof(int)] = {-1};
    send(mine, message, sizeof message, MSG_DONTWAIT);
    errno = error;
}

/* Waits without end; every other thread does so without ever sleeping, each call being a cancellation point all the same. */
static void *victim(void *arg)
{
    int fd = (int)(size_t)arg;
    static atomic_uint turn;
    int flags = turn++ % 2 ? MSG_DONTWAIT : 0;
    char byte;
    mine = fd;
    progress[1]++;
    while (recv(fd, &byte, 1, flags) != 0)
        ;
    return NULL;
}

/* Threads are cancelled while signals come in: in the wait, in the handler, at the unlock that delivers the signal. The lock must
 * survive each of them. */
static void scene_storm(int rounds, int sends)
{
    if (pipe2(pipes, O_NONBLOCK) < 0)
        wrong("pipe");
    catch(SIGUSR1, sends ? send_handler : write_handler, SA_RESTART);
    spawn(watchdog, NULL);
    int fd = dial();
    unsigned seed = 1;
    for (int i = 0; i < rounds; i++) {
        int other = dial();
        unsigned long started = progress[1];
        pthread_t t = spawn(victim, (void *)(size_t)other);
        while (progress[1] == started)
            sched_yield();
        for (int k = rand_r(&seed) % 20; k >= 0; k--) {
            for (volatile int spin = rand_r(&seed) % 20000; spin > 0; spin--)
                ;
            pthread_kill(t, SIGUSR1);
        }
        pthread_cancel(t);
        pthread_join(t, NULL);
        close(other);
        ask(fd, 0, (unsigned)i);
        take(fd, (unsigned)i, 0);
        progress[0]++;
    }
}

/* --- the peer --------------------------------------------------------------------------------------------------- */

static void *serve_one(void *arg)
{
    int fd = (int)(size_t)arg, message[SIZE / sizeof(int)];
    while (recv(fd, message, sizeof message, MSG_WAITALL) == sizeof message) {
        if (message[0] < 0)
            continue;
        if (message[0] > 0)
            rest(message[0]);
        if (send(fd, message, sizeof message, MSG_NOSIGNAL) != sizeof message)
            break;
    }
    close(fd);
    return NULL;
}

static int serve(int port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) < 0 || listen(fd, 100) < 0)
        wrong("listen");
    for (;;) {
        int one_fd = accept(fd, NULL, NULL);
        pthread_t t;
        if (one_fd < 0 || pthread_create(&t, NULL, serve_one, (void *)(size_t)one_fd))
            wrong("accept");
        pthread_detach(t);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "echo"))
        return serve(atoi(argv[2]));
    if (argc < 4)
        return 2;
    const char *scene = argv[1];
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)atoi(argv[3]));
    inet_pton(AF_INET, argv[2], &to.sin_addr);
    int n = argc > 4 ? atoi(argv[4]) : 0, m = argc > 5 ? atoi(argv[5]) : 0;
    alarm(150); /* with the default action: a scene that hangs without a watchdog */
    if (!strcmp(scene, "handler"))
        scene_handler(0);
    else if (!strcmp(scene, "restart"))
        scene_handler(SA_RESTART);
    else if (!strcmp(scene, "cancel"))
        scene_cancel();
    else if (!strcmp(scene, "jump"))
        scene_jump();
    else if (!strcmp(scene, "compute"))
        scene_compute();
    else if (!strcmp(scene, "pingpong"))
        scene_pingpong(n, m);
    else if (!strcmp(scene, "idle"))
        scene_idle(n);
    else if (!strcmp(scene, "vanish"))
        scene_vanish();
    else if (!strcmp(scene, "timers"))
        scene_timers(n, m);
    else if (!strcmp(scene, "within"))
        scene_within(n ? SA_RESTART : 0, m);
    else if (!strcmp(scene, "forks"))
        scene_forks();
    else if (!strcmp(scene, "nested"))
        scene_nested();
    else if (!strcmp(scene, "storm"))
        scene_storm(n, m);
    else
        return 2;
    printf("%s right\n", scene);
    return 0;
}
