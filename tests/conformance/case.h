/* What every conformance case needs. A case is CASE(name) { ... }; it prints one line a fact; the runner compares the lines of the kernel with those of
 * the library. So nothing that differs from run to run may be printed: no ports, no times but in coarse steps. */
#ifndef CASE_H
#define CASE_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ECHO_PORT = 7001, DISCARD, HELLO, RESET, IGNORE, COMMAND, REPORT, LAST, COUNT, LATE, PIECES, CLOSED = 7998 };

static struct in_addr peer_ip, own_ip;

/* The result of a call: "ok N" or the errno. Evaluated before anything else can change errno. */
#define TRY(what, call)                                                                                                \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long r_ = (long)(call);                                                                                        \
        if (r_ < 0) printf("%s: %s\n", what, strerrorname_np(errno));                                                  \
        else printf("%s: ok %ld\n", what, r_);                                                                         \
    } while (0)

/* As TRY where the number (a descriptor, say) may differ. */
#define OK(what, call)                                                                                                 \
    do {                                                                                                               \
        errno = 0;                                                                                                     \
        long r_ = (long)(call);                                                                                        \
        printf("%s: %s\n", what, r_ < 0 ? strerrorname_np(errno) : "ok");                                              \
    } while (0)

static inline void say(const char *what, const char *format, ...) {
    va_list v;
    va_start(v, format);
    printf("%s: ", what);
    vprintf(format, v);
    putchar('\n');
    va_end(v);
}

static inline void settle(void) { usleep(120000); }

static inline long now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline struct sockaddr_in at(struct in_addr ip, int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = ip};
}

static inline struct sockaddr_in6 mapped(struct in_addr ip, int port) {
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    a.sin6_addr.s6_addr[10] = a.sin6_addr.s6_addr[11] = 0xff;
    memcpy(a.sin6_addr.s6_addr + 12, &ip, 4);
    return a;
}

static inline int tcp(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static inline int udp(void) { return socket(AF_INET, SOCK_DGRAM, 0); }

static inline int connect_to(int fd, struct in_addr ip, int port) {
    struct sockaddr_in a = at(ip, port);
    return connect(fd, (void *)&a, sizeof a);
}

static inline int bind_to(int fd, struct in_addr ip, int port) {
    struct sockaddr_in a = at(ip, port);
    return bind(fd, (void *)&a, sizeof a);
}

/* A connection to a port of the peer; ends the case when there is none. */
static inline int dial(int port) {
    int fd = tcp();
    if (connect_to(fd, peer_ip, port) < 0) {
        printf("dial %d: %s\n", port, strerrorname_np(errno));
        exit(1);
    }
    return fd;
}

/* A listener on a port that the system picks. */
static inline int listener(int *port) {
    int fd = tcp();
    struct sockaddr_in a = at((struct in_addr){INADDR_ANY}, 0);
    socklen_t len = sizeof a;
    if (bind(fd, (void *)&a, sizeof a) < 0 || listen(fd, 16) < 0 || getsockname(fd, (void *)&a, &len) < 0) {
        printf("listener: %s\n", strerrorname_np(errno));
        exit(1);
    }
    *port = ntohs(a.sin_port);
    return fd;
}

/* Has the peer do something; the descriptor is closed when the case ends. */
static inline int tell_peer(const char *verb, int port, const char *rest) {
    int fd = dial(COMMAND);
    char line[256];
    int n = snprintf(line, sizeof line, "%s %d %s\n", verb, port, rest);
    if (write(fd, line, (size_t)n) != n) printf("tell_peer: short\n");
    return fd;
}

/* How the last connection to REPORT (or one that the peer made) ended. */
static inline void peer_saw(const char *what) {
    settle();
    int fd = dial(LAST);
    char buf[64];
    size_t got = 0;
    ssize_t n;
    while (got < sizeof buf - 1 && (n = read(fd, buf + got, sizeof buf - 1 - got)) > 0) got += (size_t)n;
    buf[got] = 0;
    printf("%s: peer saw %s\n", what, buf);
    close(fd);
}

static inline const char *bits(int revents) {
    static char out[4][128];
    static int turn;
    char *s = out[turn++ & 3];
    static const struct {
        int bit;
        const char *name;
    } names[] = {{POLLIN, "IN"},         {POLLPRI, "PRI"},       {POLLOUT, "OUT"},       {POLLERR, "ERR"},
                 {POLLHUP, "HUP"},       {POLLNVAL, "NVAL"},     {POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"},
                 {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"}, {POLLRDHUP, "RDHUP"}};
    s[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (revents & names[i].bit) {
            if (s[0]) strcat(s, "|");
            strcat(s, names[i].name);
        }
    return s[0] ? s : "nothing";
}

/* What poll says of everything. */
static inline void ready(const char *what, int fd) {
    struct pollfd p = {fd, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, 0};
    int n = poll(&p, 1, 0);
    printf("%s: poll %d %s\n", what, n, bits(p.revents));
}

static inline void sleep_until_readable(int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 3000);
}

/* Until poll says `what`, an error or a hang-up. */
static inline void until(int fd, int what) {
    struct pollfd p = {fd, (short)what, 0};
    poll(&p, 1, 5000);
}

/* Until the thread sleeps in the call that it is to wait in; it has told its number by gettid. */
static inline void until_asleep(const volatile pid_t *tid) {
    for (int i = 0, looks = 0; i < 500 && looks < 3; i++) {
        char path[64], line[256] = "";
        usleep(20000);
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)*tid);
        FILE *f = *tid ? fopen(path, "r") : NULL;
        const char *end = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
        looks = end && end[1] == ' ' && end[2] == 'S' ? looks + 1 : 0;
        if (f) fclose(f);
    }
}

static inline int pending_error(int fd) {
    int e = -1;
    socklen_t len = sizeof e;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len);
    return e;
}

static inline void nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

/* Reads until `n` bytes or the end. */
static inline ssize_t read_all(int fd, void *p, size_t n) {
    size_t got = 0;
    while (got < n) {
        ssize_t r = read(fd, (char *)p + got, n - got);
        if (r <= 0) break;
        got += (size_t)r;
    }
    return (ssize_t)got;
}

/* A case: CASE(name) { ... }. Each runs in a process of its own. A name that starts with exit_ has the runner ask the
 * peer, when the process is gone, how its last connection ended. */
struct case_entry {
    const char *name;
    void (*body)(void);
    struct case_entry *next;
};
static struct case_entry *all_cases, **last_case = &all_cases;

static inline void add_case(struct case_entry *c) {
    *last_case = c;
    last_case = &c->next;
}

#define CASE(id)                                                                                                       \
    static void id##_body(void);                                                                                       \
    __attribute__((constructor)) static void id##_add(void) {                                                          \
        static struct case_entry entry = {#id, id##_body, NULL};                                                       \
        add_case(&entry);                                                                                              \
    }                                                                                                                  \
    static void id##_body(void)

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (struct case_entry *c = all_cases; c; c = c->next) puts(c->name);
        return 0;
    }
    if (argc != 4 || !inet_aton(argv[1], &own_ip) || !inet_aton(argv[2], &peer_ip)) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct case_entry *c = all_cases; c; c = c->next)
        if (strcmp(c->name, argv[3]) == 0) {
            c->body();
            return 0;
        }
    return 2;
}
#endif
