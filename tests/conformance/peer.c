/* The kernel's side of the conformance cases: a host that behaves in known ways, one way per port.
 *
 * Each connection gets a thread. Port 7006 takes one command a connection, so that a case can have the peer connect or
 * send to it; the peer answers on the address that the command came from. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ECHO = 7001, DISCARD, HELLO, RESET, IGNORE, COMMAND, REPORT, LAST, COUNT, LATE, PIECES };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char last[64] = "none";

static void reset(int fd) {
    struct linger l = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
    close(fd);
}

static void write_all(int fd, const void *p, size_t n) {
    for (const char *c = p; n > 0;) {
        ssize_t w = write(fd, c, n);
        if (w <= 0) return;
        c += w;
        n -= (size_t)w;
    }
}

/* Reads to the end and remembers how it came. */
static void report(int fd) {
    char buf[65536];
    size_t total = 0;
    ssize_t n;
    while ((n = read(fd, buf, sizeof buf)) > 0) total += (size_t)n;
    pthread_mutex_lock(&lock);
    snprintf(last, sizeof last, "%zu %s", total, n == 0 ? "EOF" : strerrorname_np(errno));
    pthread_mutex_unlock(&lock);
}

static void command(int fd) {
    char line[256] = "", verb[32] = "", rest[200] = "";
    int port = 0;
    for (size_t n = 0; n < sizeof line - 1 && read(fd, line + n, 1) == 1 && line[n] != '\n';) n++;
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    if (getpeername(fd, (void *)&to, &len) < 0) return;
    sscanf(line, "%31s %d %199[^\n]", verb, &port, rest);
    to.sin_port = htons((uint16_t)port);
    int udp = strcmp(verb, "udp") == 0;
    int s = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (udp) {
        sendto(s, rest, strlen(rest), 0, (void *)&to, sizeof to);
        close(s);
        return;
    }
    if (strcmp(verb, "later") == 0) usleep(300000);
    if (connect(s, (void *)&to, sizeof to) < 0) {
        dprintf(fd, "connect %s\n", strerrorname_np(errno));
        close(s);
        return;
    }
    write_all(s, rest, strlen(rest));
    if (strcmp(verb, "rst") == 0) {
        usleep(50000);
        reset(s);
        return;
    }
    if (strcmp(verb, "fin") == 0) shutdown(s, SHUT_WR);
    report(s);
    close(s);
}

struct job {
    int fd, port;
};

static void *serve(void *p) {
    struct job j = *(struct job *)p;
    free(p);
    char buf[65536];
    ssize_t n;
    size_t total = 0;
    switch (j.port) {
    case ECHO:
        while ((n = read(j.fd, buf, sizeof buf)) > 0) write_all(j.fd, buf, (size_t)n);
        break;
    case DISCARD:
        while (read(j.fd, buf, sizeof buf) > 0) {}
        break;
    case HELLO:
        write_all(j.fd, "hello", 5);
        break;
    case RESET: /* not before connect has returned there */
        usleep(50000);
        reset(j.fd);
        return NULL;
    case IGNORE: /* reads nothing until told by a byte out of band of this connection: never */
        sleep(5);
        while (read(j.fd, buf, sizeof buf) > 0) {}
        break;
    case COMMAND:
        command(j.fd);
        break;
    case REPORT:
        report(j.fd);
        break;
    case LAST:
        pthread_mutex_lock(&lock);
        write_all(j.fd, last, strlen(last));
        strcpy(last, "none");
        pthread_mutex_unlock(&lock);
        break;
    case COUNT: {
        uint32_t sum = 0;
        while ((n = read(j.fd, buf, sizeof buf)) > 0) {
            for (ssize_t i = 0; i < n; i++) sum = sum * 31 + (uint8_t)buf[i];
            total += (size_t)n;
        }
        usleep(50000); /* the case looks at its half-closed socket meanwhile */
        dprintf(j.fd, "%zu %08x", total, sum);
        break;
    }
    case LATE:
        usleep(300000);
        write_all(j.fd, "late", 4);
        break;
    case PIECES:
        write_all(j.fd, "01234", 5);
        usleep(200000);
        write_all(j.fd, "56789", 5);
        read(j.fd, buf, sizeof buf);
        break;
    }
    close(j.fd);
    return NULL;
}

static void *accepting(void *p) {
    int port = (int)(intptr_t)p, one = 1;
    int s = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (port == IGNORE) {
        int small = 4096;
        setsockopt(s, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    if (bind(s, (void *)&a, sizeof a) < 0 || listen(s, 64) < 0) {
        perror("peer");
        exit(1);
    }
    for (;;) {
        int fd = accept(s, NULL, NULL);
        if (fd < 0) continue;
        struct job *j = malloc(sizeof *j);
        *j = (struct job){fd, port};
        pthread_t t;
        pthread_create(&t, NULL, serve, j);
        pthread_detach(t);
    }
}

/* Echoes datagrams on 7001; "reset me" makes it forget itself, nothing else does. */
static void *datagrams(void *p) {
    (void)p;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(ECHO)};
    if (bind(s, (void *)&a, sizeof a) < 0) exit(1);
    char buf[65536];
    for (;;) {
        socklen_t len = sizeof a;
        ssize_t n = recvfrom(s, buf, sizeof buf, 0, (void *)&a, &len);
        if (n >= 0) sendto(s, buf, (size_t)n, 0, (void *)&a, len);
    }
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    pthread_t t;
    pthread_create(&t, NULL, datagrams, NULL);
    for (int port = ECHO; port < PIECES; port++) pthread_create(&t, NULL, accepting, (void *)(intptr_t)port);
    accepting((void *)(intptr_t)PIECES);
}
