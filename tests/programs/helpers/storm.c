/* Threads and processes that get in each other's way; each mode ends by itself and says so in one line.
 *
 * accept PORT N    8 threads in accept on one listener, signals at them
 * udp PORT N       7 threads in recv, MSG_PEEK and poll on one socket, signals at them
 * fork HOST PORT   threads with connections in every kind of wait, while children come and go
 * sigio HOST PORT  sockets with O_ASYNC that come and go; the handler reads
 * lines HOST PORT  printf, send, dprintf and writev in turn, and children that print, numbered lines all */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in peer;
static int sock, total;
static volatile int done, stop;
static volatile long moved, signals;
static char *seen;

static void die(const char *what) {
    perror(what);
    _exit(1);
}

static void nothing(int s) { (void)s; }

static int dial(void) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (void *)&peer, sizeof peer) < 0) die("connect");
    return s;
}

static void *acceptor(void *p) {
    (void)p;
    for (;;) {
        int c = accept(sock, NULL, NULL);
        if (c < 0 && errno == EINTR) continue;
        if (c < 0) return NULL;
        char b;
        ssize_t n;
        while ((n = read(c, &b, 1)) < 0 && errno == EINTR) {}
        if (n == 1 && write(c, &b, 1) != 1) die("write");
        close(c);
        if (__sync_add_and_fetch(&done, 1) == total) shutdown(sock, SHUT_RDWR);
    }
}

static void *receiver(void *p) {
    long kind = (long)p % 4;
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        int n = -1, looked = kind == 1 || kind == 2;
        char b;
        struct pollfd f = {sock, POLLIN, 0};
        if (kind == 1) (void)!recv(sock, &b, 1, MSG_PEEK);
        if (kind == 2) poll(&f, 1, -1);
        if (recvfrom(sock, &n, sizeof n, looked ? MSG_DONTWAIT : 0, (void *)&from, &len) < 0) continue;
        if (n >= 0 && n < total && !__sync_lock_test_and_set(&seen[n], 1)) __sync_add_and_fetch(&done, 1);
        sendto(sock, &n, sizeof n, 0, (void *)&from, len);
    }
}

/* Threads of `body` on a socket of `type`, and signals at them until all is done. */
static void serve(int type, int port, int threads, void *(*body)(void *), int flags) {
    struct sigaction act = {.sa_handler = nothing, .sa_flags = flags};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    pthread_t t[8];
    int one = 1;
    sigaction(SIGUSR1, &act, NULL);
    seen = calloc((size_t)total, 1);
    sock = socket(AF_INET, type, 0);
    setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(sock, (void *)&any, sizeof any) < 0) die("bind");
    if (type == SOCK_STREAM && listen(sock, 100) < 0) die("listen");
    for (long i = 0; i < threads; i++) pthread_create(&t[i], NULL, body, (void *)i);
    fprintf(stderr, "up\n");
    while (done < total) {
        usleep(1000);
        pthread_kill(t[rand() % threads], SIGUSR1);
    }
    usleep(100000);
    printf("all %d\n", done);
    fflush(stdout);
    _exit(0);
}

static void *echoes(void *p) {
    long kind = (long)p;
    int s = dial(), set = epoll_create1(0);
    char out[5000], in[5000];
    struct epoll_event e = {.events = EPOLLIN};
    memset(out, (int)kind, sizeof out);
    if (kind == 2) epoll_ctl(set, EPOLL_CTL_ADD, s, &e);
    while (!stop) {
        ssize_t n = send(s, out, (size_t)(1 + rand() % 4999), 0), m;
        if (n < 0) die("send");
        for (; n > 0; n -= m) {
            struct pollfd f = {s, POLLIN, 0};
            fd_set r;
            FD_ZERO(&r);
            FD_SET(s, &r);
            if (kind == 1) poll(&f, 1, -1);
            if (kind == 2) epoll_wait(set, &e, 1, -1);
            if (kind == 3) select(s + 1, &r, NULL, NULL, NULL);
            if ((m = recv(s, in, (size_t)n, 0)) <= 0) die("recv");
            if (memcmp(in, out, (size_t)m) != 0) die("other bytes");
        }
    }
    return NULL;
}

static void *streams(void *p) {
    (void)p;
    while (!stop) {
        char line[32];
        FILE *f = fdopen(dial(), "r+");
        fprintf(f, "a line\n");
        fflush(f);
        if (!fgets(line, sizeof line, f)) die("fgets");
        fclose(f);
    }
    return NULL;
}

static void forks(void) {
    pthread_t t[5];
    int ended = 0;
    for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, echoes, (void *)i);
    pthread_create(&t[4], NULL, streams, NULL);
    for (int i = 0; i < 150; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(20);
            if (i % 3 == 1) close_range(3, ~0U, 0);
            if (i % 3 == 2) execl("/bin/true", "true", (char *)NULL);
            if (i % 2) exit(0);
            _exit(0);
        }
        int status = -1;
        ended += waitpid(child, &status, 0) == child && status == 0;
        if (i % 10 == 0) usleep(3000);
    }
    stop = 1;
    for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
    printf("children %d\n", ended);
}

static void on_io(int s, siginfo_t *i, void *c) {
    char b[2000];
    ssize_t n;
    int e = errno;
    (void)s, (void)c;
    signals++;
    while ((n = recv(i->si_fd, b, sizeof b, MSG_DONTWAIT)) > 0) moved += n;
    errno = e;
}

static void *asyncs(void *p) {
    unsigned seed = (unsigned)(long)p;
    while (!stop) {
        struct linger l = {1, 0};
        int s = dial();
        fcntl(s, F_SETOWN, getpid());
        fcntl(s, F_SETSIG, SIGIO);
        fcntl(s, F_SETFL, O_ASYNC | O_NONBLOCK);
        for (int i = 0; i < 20; i++) {
            (void)!send(s, "0123456789", 10, MSG_NOSIGNAL);
            if (rand_r(&seed) % 4 == 0) usleep(rand_r(&seed) % 500);
            if (rand_r(&seed) % 10 == 0) fcntl(s, F_SETFL, O_NONBLOCK);
            fcntl(s, F_SETFL, O_ASYNC | O_NONBLOCK);
        }
        if (rand_r(&seed) % 2) shutdown(s, SHUT_WR);
        usleep(rand_r(&seed) % 2000);
        if (rand_r(&seed) % 3 == 0) setsockopt(s, SOL_SOCKET, SO_LINGER, &l, sizeof l);
        close(s);
    }
    return NULL;
}

static void sigio(void) {
    struct sigaction act = {.sa_sigaction = on_io, .sa_flags = SA_SIGINFO | SA_RESTART};
    pthread_t t[4];
    sigaction(SIGIO, &act, NULL);
    for (long i = 0; i < 4; i++) pthread_create(&t[i], NULL, asyncs, (void *)i);
    for (time_t end = time(NULL) + 3; time(NULL) < end;) usleep(100000);
    stop = 1;
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    printf("%s signals, %s data\n", signals > 100 ? "many" : "few", moved > 1000 ? "much" : "little");
}

static void lines(void) {
    static char pad[3001], line[4000];
    int k = 0, s = dial();
    memset(pad, '.', 3000);
    dup2(s, 1);
    close(s);
    for (int i = 0; i < 200; i++) {
        printf("%d%s\n", k++, pad);
        fflush(stdout);
        int n = sprintf(line, "%d%s\n", k++, pad);
        if (send(1, line, (size_t)n, 0) != n) die("send");
        dprintf(1, "%d%s\n", k++, pad);
        printf("%d%s\n", k++, pad);
        fflush(stdout);
        n = sprintf(line, "%d%s\n", k++, pad);
        struct iovec v[2] = {{line, 100}, {line + 100, (size_t)n - 100}};
        if (writev(1, v, 2) != n) die("writev");
        if (i % 16 == 0) {
            if (fork() == 0) {
                printf("%d%s\n", k, pad);
                exit(0);
            }
            wait(NULL);
            k++;
        }
    }
    printf("end");
    fflush(stdout);
    shutdown(1, SHUT_WR);
}

int main(int n, char **v) {
    const char *mode = n > 3 ? v[1] : "";
    int serves = strcmp(mode, "accept") == 0 || strcmp(mode, "udp") == 0;
    alarm(50);
    if (serves) {
        total = atoi(v[3]);
        if (mode[0] == 'a') serve(SOCK_STREAM, atoi(v[2]), 8, acceptor, 0);
        serve(SOCK_DGRAM, atoi(v[2]), 7, receiver, SA_RESTART);
    }
    peer.sin_family = AF_INET;
    if (n < 4 || inet_pton(AF_INET, v[2], &peer.sin_addr) != 1) return 2;
    peer.sin_port = htons((uint16_t)atoi(v[3]));
    if (strcmp(mode, "fork") == 0) forks();
    if (strcmp(mode, "sigio") == 0) sigio();
    if (strcmp(mode, "lines") == 0) lines();
    return 0;
}
