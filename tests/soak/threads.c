/* Soak: many threads do everything at once, and nothing may hang, leak or change a byte.
 *
 * threads echo PORT                        a kernel echo server (run it without the library)
 * threads run OWN-IP PEER-IP PORT SECONDS [THREADS [SEED]]
 *
 * Every thread repeats short scenes with connections to a listener of its own inside the stack and to the echo server:
 * blocking, non-blocking with poll, with level and edge epoll; dup; shutdown and close by another thread while one waits;
 * aborts (SO_LINGER 0) in the middle of a transfer; attempts that are refused, or given up halfway; listeners that close with
 * connections waiting; datagrams. A handler without SA_RESTART runs every millisecond and sends a datagram itself, another one
 * with SA_RESTART polls. Checked: contents, progress of each thread (watchdog), numbers open before and after, resident memory.
 *
 * With SOAK_LINKED it uses the matnet_* functions of the static library instead of being preloaded (that is how it runs under
 * ThreadSanitizer, scripts/soak.sh --tsan); without hooks a handler may not enter the library, so there it does nothing. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#ifdef SOAK_LINKED
#include "linked.h"
#endif

#define MAX_THREADS 64
#define STALLED 20 /* seconds without progress */

static struct sockaddr_in own, peer, nobody;
static int stopping;
static int beacon = -1; /* what the handlers use */
static long handled;
static rlim_t limit_of_numbers; /* the program's below, the library's above */
static struct worker {
    pthread_t thread;
    unsigned seed;
    unsigned long rounds;
    const char *scene;
    int line;
} workers[MAX_THREADS];

#define GET(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define SET(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#define AT(w) SET((w)->line, __LINE__)

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "soak: ");
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    _exit(1);
}

static unsigned dice(struct worker *w, unsigned n) { return (unsigned)rand_r(&w->seed) % n; }

static unsigned char expected(unsigned key, size_t at) { return (unsigned char)((at * 2654435761u + key) >> 11); }

static void fill(unsigned char *to, size_t n, unsigned key, size_t at)
{
    for (size_t i = 0; i < n; i++)
        to[i] = expected(key, at + i);
}

static void check(struct worker *w, const unsigned char *got, size_t n, unsigned key, size_t at)
{
    for (size_t i = 0; i < n; i++)
        if (got[i] != expected(key, at + i))
            die("%s: byte %zu is %02x, not %02x", w->scene, at + i, got[i], expected(key, at + i));
}

static void on_alarm(int sig)
{
    (void)sig;
    int e = errno;
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
#ifndef SOAK_LINKED
    sendto(beacon, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&nobody, sizeof nobody);
#endif
    errno = e;
}

static void on_user(int sig)
{
    (void)sig;
    int e = errno;
#ifndef SOAK_LINKED
    struct pollfd p = { beacon, POLLIN, 0 };
    poll(&p, 1, 0);
#endif
    errno = e;
}

static void nonblocking(int fd, int on)
{
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

static int await(struct worker *w, int fd, short events)
{
    struct pollfd p = { fd, events, 0 };
    for (;;) {
        int n = poll(&p, 1, -1);
        if (n > 0)
            return p.revents;
        if (n < 0 && errno != EINTR)
            die("%s: poll: %s", w->scene, strerror(errno));
    }
}

/* connect that a signal may interrupt: the attempt goes on, and poll tells how it ended. */
static int connected(struct worker *w, struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | (dice(w, 2) ? SOCK_NONBLOCK : 0), 0);
    if (fd < 0)
        die("%s: socket: %s", w->scene, strerror(errno));
    if (connect(fd, (struct sockaddr *)to, sizeof *to) < 0) {
        if (errno != EINTR && errno != EINPROGRESS)
            die("%s: connect: %s", w->scene, strerror(errno));
        int error = 0;
        socklen_t n = sizeof error;
        await(w, fd, POLLOUT);
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) || error)
            die("%s: connect: later %s", w->scene, strerror(error));
    }
    nonblocking(fd, 0);
    return fd;
}

/* A connection: both ends of our own, or one of ours and the echo server (then ends[0] == ends[1]). */
static void pair(struct worker *w, int ends[2])
{
    AT(w);
    if (dice(w, 3) == 0) {
        ends[0] = ends[1] = connected(w, &peer);
        return;
    }
    int l = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = own;
    socklen_t n = sizeof at;
    at.sin_port = 0;
    if (l < 0 || bind(l, (struct sockaddr *)&at, sizeof at) || listen(l, 4) ||
        getsockname(l, (struct sockaddr *)&at, &n))
        die("%s: listener: %s", w->scene, strerror(errno));
    ends[0] = connected(w, &at);
    AT(w);
    while ((ends[1] = accept(l, NULL, NULL)) < 0)
        if (errno != EINTR)
            die("%s: accept: %s", w->scene, strerror(errno));
    close(l);
}

static void hang_up(int ends[2])
{
    close(ends[0]);
    if (ends[1] != ends[0])
        close(ends[1]);
}

/* What fits into the buffers at once, with blocking calls. */
static void blocking(struct worker *w)
{
    unsigned char data[16384];
    int ends[2];
    pair(w, ends);
    for (int round = 0; round < 4; round++) {
        unsigned key = dice(w, 1 << 20);
        size_t size = 1 + dice(w, sizeof data), done = 0;
        fill(data, size, key, 0);
        AT(w);
        while (done < size) {
            ssize_t n = send(ends[0], data + done, size - done, MSG_NOSIGNAL);
            if (n < 0 && errno != EINTR)
                die("%s: send: %s", w->scene, strerror(errno));
            done += n > 0 ? (size_t)n : 0;
        }
        AT(w);
        for (done = 0; done < size;) {
            ssize_t n = recv(ends[1], data, size - done, dice(w, 2) ? MSG_WAITALL : 0);
            if (n == 0 || (n < 0 && errno != EINTR))
                die("%s: recv after %zu of %zu: %s", w->scene, done, size, n ? strerror(errno) : "end");
            if (n > 0) {
                check(w, data, (size_t)n, key, done);
                done += (size_t)n;
            }
        }
    }
    hang_up(ends);
}

/* More than fits, without waiting in send and recv: poll, level or edge epoll says when. */
static void streaming(struct worker *w, int how)
{
    unsigned char data[8192];
    int ends[2], set = -1;
    size_t size = 20000 + dice(w, 600000), sent = 0, got = 0;
    unsigned key = dice(w, 1 << 20);
    pair(w, ends);
    nonblocking(ends[0], 1);
    nonblocking(ends[1], 1);
    if (dice(w, 4) == 0) { /* the number changes, the connection stays */
        int other = dup(ends[0]), same = ends[0] == ends[1];
        close(ends[0]);
        ends[0] = other;
        if (same)
            ends[1] = other;
    }
    int same = ends[0] == ends[1];
    if (how) {
        unsigned edge = how == 2 ? (unsigned)EPOLLET : 0;
        struct epoll_event out = { .events = (same ? EPOLLIN : 0u) | EPOLLOUT | edge, .data.fd = 0 };
        struct epoll_event in = { .events = EPOLLIN | EPOLLRDHUP | edge, .data.fd = 1 };
        set = epoll_create1(EPOLL_CLOEXEC);
        if (epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &out) || (!same && epoll_ctl(set, EPOLL_CTL_ADD, ends[1], &in)))
            die("%s: epoll_ctl: %s", w->scene, strerror(errno));
    }
    while (got < size) {
        int progress = 0;
        for (int burst = 0; sent < size && (how == 2 || burst < 4); burst++) {
            size_t part = size - sent < sizeof data ? size - sent : 1 + dice(w, sizeof data);
            fill(data, part, key, sent);
            ssize_t n = send(ends[0], data, part, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                die("%s: send: %s", w->scene, strerror(errno));
            if (n < 0 && errno == EAGAIN)
                break;
            sent += n > 0 ? (size_t)n : 0;
            progress = 1;
        }
        for (int burst = 0; how == 2 || burst < 4; burst++) {
            ssize_t n = recv(ends[1], data, 1 + dice(w, sizeof data), 0);
            if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
                die("%s: recv after %zu of %zu: %s", w->scene, got, size, n ? strerror(errno) : "end");
            if (n < 0 && errno == EAGAIN)
                break;
            if (n > 0) {
                check(w, data, (size_t)n, key, got);
                got += (size_t)n;
                progress = 1;
            }
        }
        if (progress || got == size)
            continue;
        AT(w);
        if (how) {
            struct epoll_event event[2];
            if (sent == size && how == 1) {
                struct epoll_event quiet = { .events = same ? EPOLLIN : 0u, .data.fd = 0 };
                epoll_ctl(set, EPOLL_CTL_MOD, ends[0], &quiet);
            }
            if (epoll_wait(set, event, 2, -1) < 0 && errno != EINTR)
                die("%s: epoll_wait: %s", w->scene, strerror(errno));
        } else {
            struct pollfd p[2] = { { ends[0], sent < size ? POLLOUT : 0, 0 }, { ends[1], POLLIN, 0 } };
            if (poll(p, 2, -1) < 0 && errno != EINTR)
                die("%s: poll: %s", w->scene, strerror(errno));
        }
    }
    /* The end arrives as an end. */
    if (!same) {
        shutdown(ends[0], SHUT_WR);
        AT(w);
        await(w, ends[1], POLLIN);
        ssize_t n;
        while ((n = recv(ends[1], data, sizeof data, 0)) < 0 && errno == EINTR)
            ;
        if (n != 0)
            die("%s: %zd instead of the end (%s)", w->scene, n, strerror(errno));
    }
    if (set >= 0)
        close(set);
    hang_up(ends);
}

static void with_poll(struct worker *w) { streaming(w, 0); }
static void with_level(struct worker *w) { streaming(w, 1); }
static void with_edge(struct worker *w) { streaming(w, 2); }

struct other {
    int fd, far, way;
};

static void *interfere(void *x)
{
    struct other *o = x;
    usleep(300);
    switch (o->way) {
    case 0: shutdown(o->fd, SHUT_RD); break;
    case 1: shutdown(o->far, SHUT_WR); break;
    case 2: close(o->far); break;
    default: /* a call that waits survives the close of its number (which must not become another thread's) */
        dup2(STDERR_FILENO, o->fd);
        usleep(300);
        close(o->far);
    }
    return NULL;
}

/* One thread waits, another ends it. */
static void ended(struct worker *w)
{
    int ends[2];
    do {
        pair(w, ends);
        if (ends[0] == ends[1])
            close(ends[0]);
    } while (ends[0] == ends[1]);
    struct other o = { ends[0], ends[1], (int)dice(w, 4) };
    pthread_t helper;
    if (pthread_create(&helper, NULL, interfere, &o))
        die("%s: pthread_create", w->scene);
    char c;
    ssize_t n;
    AT(w);
    for (;;) {
        n = recv(ends[0], &c, 1, 0);
        if (n >= 0 || errno != EINTR)
            break;
    }
    if (n > 0)
        die("%s: a byte from nowhere", w->scene);
    AT(w);
    pthread_join(helper, NULL);
    close(ends[0]);
    if (o.way < 2)
        close(ends[1]);
}

static void datagrams(struct worker *w)
{
    unsigned char data[1200];
    struct sockaddr_in at = own;
    socklen_t n = sizeof at;
    at.sin_port = 0;
    int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (a < 0 || b < 0 || bind(b, (struct sockaddr *)&at, sizeof at) || getsockname(b, (struct sockaddr *)&at, &n) ||
        connect(a, (struct sockaddr *)&at, sizeof at))
        die("%s: %s", w->scene, strerror(errno));
    for (int i = 0; i < 10; i++) {
        unsigned key = dice(w, 1 << 20);
        size_t size = 1 + dice(w, sizeof data);
        ssize_t got;
        fill(data, size, key, 0);
        while ((got = send(a, data, size, 0)) < 0 && errno == EINTR)
            ;
        if (got != (ssize_t)size)
            die("%s: send %zd: %s", w->scene, got, strerror(errno));
        AT(w);
        if (dice(w, 2)) {
            await(w, b, POLLIN);
            got = recv(b, data, sizeof data, MSG_DONTWAIT);
        } else {
            while ((got = recv(b, data, sizeof data, 0)) < 0 && errno == EINTR)
                ;
        }
        if (got != (ssize_t)size)
            die("%s: %zd bytes of %zu: %s", w->scene, got, size, strerror(errno));
        check(w, data, size, key, 0);
    }
    close(a);
    close(b);
}

static void abort_at_close(int fd)
{
    struct linger now = { 1, 0 };
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* One end resets in the middle of a transfer; what the other got before is right, and then it hears of the reset. */
static void aborted(struct worker *w)
{
    unsigned char data[8192];
    int ends[2];
    do {
        pair(w, ends);
        if (ends[0] == ends[1])
            abort_at_close(ends[0]);
    } while (ends[0] == ends[1]);
    unsigned key = dice(w, 1 << 20);
    size_t sent = 0, got = 0, size = dice(w, 300000);
    nonblocking(ends[0], 1);
    while (sent < size) {
        size_t part = size - sent < sizeof data ? size - sent : sizeof data;
        fill(data, part, key, sent);
        ssize_t n = send(ends[0], data, part, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0 && errno != EINTR)
            die("%s: send: %s", w->scene, strerror(errno));
        sent += n > 0 ? (size_t)n : 0;
        if (dice(w, 4) == 0) {
            n = recv(ends[1], data, sizeof data, MSG_DONTWAIT);
            if (n > 0)
                check(w, data, (size_t)n, key, got);
            got += n > 0 ? (size_t)n : 0;
        }
    }
    abort_at_close(ends[0]);
    AT(w);
    for (;;) {
        await(w, ends[1], POLLIN);
        ssize_t n = recv(ends[1], data, sizeof data, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ECONNRESET)
            break;
        if (n <= 0)
            die("%s: %s instead of a reset", w->scene, n ? strerror(errno) : "the end");
        check(w, data, (size_t)n, key, got);
        got += (size_t)n;
    }
    if (got > sent)
        die("%s: %zu bytes of %zu", w->scene, got, sent);
    close(ends[1]);
}

/* Attempts that fail or are given up, and a listener that goes away with connections in its queue. */
static void attempts(struct worker *w)
{
    struct sockaddr_in closed = own;
    closed.sin_port = htons(1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), error = 0;
    socklen_t n = sizeof error;
    if (fd < 0)
        die("%s: socket: %s", w->scene, strerror(errno));
    if (connect(fd, (struct sockaddr *)&closed, sizeof closed) == 0)
        die("%s: nobody listens there", w->scene);
    error = errno;
    if (error == EINPROGRESS) {
        AT(w);
        await(w, fd, POLLOUT);
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n))
            die("%s: SO_ERROR: %s", w->scene, strerror(errno));
    }
    if (error != ECONNREFUSED)
        die("%s: %s instead of a refusal", w->scene, strerror(error));
    close(fd);

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    connect(fd, (struct sockaddr *)&peer, sizeof peer);
    if (dice(w, 2))
        abort_at_close(fd);
    else
        close(fd);

    struct sockaddr_in at = own;
    at.sin_port = 0;
    n = sizeof at;
    int l = socket(AF_INET, SOCK_STREAM, 0), calls[6];
    if (l < 0 || bind(l, (struct sockaddr *)&at, sizeof at) || listen(l, 4) || getsockname(l, (struct sockaddr *)&at, &n))
        die("%s: listener: %s", w->scene, strerror(errno));
    for (int i = 0; i < 6; i++) {
        calls[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(calls[i], (struct sockaddr *)&at, sizeof at);
    }
    int taken = accept(l, NULL, NULL);
    close(l);
    if (taken >= 0)
        close(taken);
    for (int i = 0; i < 6; i++)
        close(calls[i]);
}

static void *work(void *x)
{
    static const struct {
        const char *name;
        void (*scene)(struct worker *);
    } scenes[] = {
        { "blocking", blocking }, { "poll", with_poll },   { "level epoll", with_level },
        { "edge epoll", with_edge }, { "ended", ended }, { "datagrams", datagrams },
        { "aborted", aborted },      { "attempts", attempts },
    };
    struct worker *w = x;
    while (!GET(stopping)) {
        unsigned i = dice(w, sizeof scenes / sizeof *scenes);
        SET(w->scene, scenes[i].name);
        scenes[i].scene(w);
        SET(w->rounds, w->rounds + 1);
    }
    return NULL;
}

/* Numbers open: the program's below its limit, the library's above. */
static void count(int *mine, int *above)
{
    DIR *dir = opendir("/proc/self/fd");
    *mine = *above = 0;
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.')
            (*((rlim_t)atoi(e->d_name) < limit_of_numbers ? mine : above))++;
    closedir(dir);
}

static long resident(void)
{
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
        die("statm");
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void *serve(void *x)
{
    int fd = (int)(long)x;
    char data[65536];
    ssize_t n;
    while ((n = recv(fd, data, sizeof data, 0)) > 0)
        if (send(fd, data, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    close(fd);
    return NULL;
}

static int echo(int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    int l = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l, (struct sockaddr *)&at, sizeof at) || listen(l, 512))
        die("echo: %s", strerror(errno));
    for (;;) {
        pthread_t t;
        long fd = accept(l, NULL, NULL);
        if (fd >= 0 && pthread_create(&t, NULL, serve, (void *)fd) == 0)
            pthread_detach(t);
    }
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "echo"))
        return echo(atoi(argv[2]));
    if (argc < 6 || strcmp(argv[1], "run"))
        return 2;
    own = (struct sockaddr_in){ .sin_family = AF_INET };
    peer = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[4])) };
    inet_pton(AF_INET, argv[2], &own.sin_addr);
    inet_pton(AF_INET, argv[3], &peer.sin_addr);
    nobody = own;
    nobody.sin_port = htons(9);
    int seconds = atoi(argv[5]), threads = argc > 6 ? atoi(argv[6]) : 64;
    unsigned seed = argc > 7 ? (unsigned)atoi(argv[7]) : 1;
    if (threads > MAX_THREADS)
        threads = MAX_THREADS;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit_of_numbers = limit.rlim_cur;
    beacon = socket(AF_INET, SOCK_DGRAM, 0);
    if (beacon < 0)
        die("socket: %s", strerror(errno));
    int before[2], after[2];
    count(&before[0], &before[1]);
    for (int i = 0; i < threads; i++) {
        workers[i].seed = seed * 1000 + (unsigned)i;
        workers[i].scene = "start";
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    struct sigaction action = { .sa_handler = on_alarm };
    sigaction(SIGALRM, &action, NULL);
    action.sa_handler = on_user;
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    struct itimerval every = { { 0, 1000 }, { 0, 1000 } };
    setitimer(ITIMER_REAL, &every, NULL);

    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    unsigned long seen[MAX_THREADS] = { 0 };
    double since[MAX_THREADS] = { 0 }, elapsed = 0;
    long warm = 0;
    int joined = 0;
    /* After the end the same watchdog watches the last scenes. */
    while (!joined) {
        struct timespec nap = { 0, 20000000 };
        nanosleep(&nap, NULL);
        clock_gettime(CLOCK_MONOTONIC, &now);
        elapsed = (double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9;
        if (elapsed > seconds)
            SET(stopping, 1);
        if (!warm && elapsed > seconds / 3.0)
            warm = resident();
        joined = stopping;
        for (int i = 0; i < threads; i++) {
            struct worker *w = &workers[i];
            if (stopping && w->thread && pthread_tryjoin_np(w->thread, NULL) == 0)
                w->thread = 0;
            if (!w->thread)
                continue;
            joined = 0;
            pthread_kill(w->thread, SIGUSR1);
            if (GET(w->rounds) != seen[i]) {
                seen[i] = GET(w->rounds);
                since[i] = elapsed;
            } else if (elapsed - since[i] > STALLED) {
                die("thread %d hangs in \"%s\" after line %d, round %lu (seed %u)", i, GET(w->scene), GET(w->line),
                    GET(w->rounds), seed);
            }
        }
    }
    struct itimerval never = { 0 };
    setitimer(ITIMER_REAL, &never, NULL);
    unsigned long rounds = 0;
    for (int i = 0; i < threads; i++)
        rounds += workers[i].rounds;
    count(&after[0], &after[1]);
    long end = resident();
    printf("soak: %lu rounds in %.0f s, %ld handlers; numbers %d to %d, the library's %d to %d; memory %ld kB to %ld kB\n",
           rounds, elapsed, handled, before[0], after[0], before[1], after[1], warm, end);
    fflush(stdout);
    if (after[0] != before[0] && system("ls -l /proc/$PPID/fd >&2") >= 0)
        die("numbers leak: %d before, %d after", before[0], after[0]);
    if (after[1] > before[1] + 4 * threads)
        die("the library's numbers leak: %d before, %d after", before[1], after[1]);
    if (end > warm + warm / 2 + 16384)
        die("memory grows: %ld kB, then %ld kB", warm, end);
    return 0;
}
