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
static int reporting; /* connections whose end is still to be told */

static void count_reports(int change) {
    pthread_mutex_lock(&lock);
    reporting += change;
    pthread_mutex_unlock(&lock);
}

/* Three seconds at most: some cases ask while the connection lives. */
static void until_reported(void) {
    for (int i = 0, busy = 1; busy && i < 300; i++) {
        pthread_mutex_lock(&lock);
        busy = reporting > 0;
        pthread_mutex_unlock(&lock);
        if (busy) usleep(10000);
    }
}

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

/* Follows a script: lower case and digits are sent, a capital with MSG_OOB, '.' is a pause, '$' the end, '!' a reset. */
static int follow(int s, const char *script) {
    for (const char *c = script; *c; c++) {
        size_t n = strspn(c, "abcdefghijklmnopqrstuvwxyz0123456789");
        if (n > 0) {
            write_all(s, c, n);
            c += n - 1;
        } else if (*c >= 'A' && *c <= 'Z') {
            send(s, c, 1, MSG_OOB);
        } else if (*c == '.') {
            usleep(80000);
        } else if (*c == '$') {
            shutdown(s, SHUT_WR);
        } else if (*c == '!') {
            reset(s);
            return 1;
        }
    }
    return 0;
}

/* Tells what was read: the urgent byte in brackets, then what each read got. */
static void tell_urgent(int s, int fd) {
    char buf[4096], c;
    usleep(300000);
    if (recv(s, &c, 1, MSG_OOB) == 1) dprintf(fd, "[%c]", c);
    for (ssize_t n; (n = read(s, buf, sizeof buf)) > 0;) dprintf(fd, "%.*s|", (int)(n > 40 ? 40 : n), buf);
    dprintf(fd, "\n");
}

/* "to PORT DESTINATION TEXT": a datagram to a group or a broadcast address. "raw PROTOCOL TEXT": an IP packet. "hear PORT
 * GROUP": joins the group, says so, and tells of the next datagram. False for other verbs. */
static int beyond_unicast(int fd, const char *verb, struct sockaddr_in to, int number, const char *rest) {
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    char where[32] = "", text[160] = "", buf[2048];
    int one = 1;
    getsockname(fd, (void *)&own, &len);
    sscanf(rest, "%31s %159[^\n]", where, text);
    if (strcmp(verb, "raw") == 0) {
        int s = socket(AF_INET, SOCK_RAW, number);
        to.sin_port = 0;
        sendto(s, rest, strlen(rest), 0, (void *)&to, sizeof to);
        close(s);
        return 1;
    }
    if (strcmp(verb, "to") != 0 && strcmp(verb, "hear") != 0) return 0;
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (strcmp(verb, "to") == 0) {
        to.sin_addr.s_addr = inet_addr(where);
        setsockopt(s, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
        setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &own.sin_addr, 4);
        setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "veth0", 5);
        sendto(s, text, strlen(text), 0, (void *)&to, sizeof to);
    } else {
        struct ip_mreq m = {{inet_addr(where)}, own.sin_addr};
        struct timeval t = {3, 0};
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((uint16_t)number)};
        struct iovec v = {buf, sizeof buf - 1};
        char control[64];
        struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
        setsockopt(s, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
        setsockopt(s, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof m);
        bind(s, (void *)&any, sizeof any);
        dprintf(fd, "?");
        ssize_t n = recvmsg(s, &h, 0);
        buf[n > 0 ? n : 0] = 0;
        int ttl = -1;
        for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) memcpy(&ttl, CMSG_DATA(c), sizeof ttl);
        dprintf(fd, n < 0 ? "nothing" : "%s, ttl %d", buf, ttl);
    }
    close(s);
    return 1;
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
    if (beyond_unicast(fd, verb, to, port, rest)) return;
    /* "udpx PORT TTL TOS SIZE": one datagram with these. */
    int ttl = 0, tos = 0, size = 0, udpx = strcmp(verb, "udpx") == 0;
    int udp = udpx || strcmp(verb, "udp") == 0;
    int s = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    if (udpx && sscanf(rest, "%d %d %d", &ttl, &tos, &size) == 3) {
        static char zero[65536];
        setsockopt(s, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl);
        setsockopt(s, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
        sendto(s, zero, (size_t)size, 0, (void *)&to, sizeof to);
        close(s);
        return;
    }
    if (udp) {
        sendto(s, rest, strlen(rest), 0, (void *)&to, sizeof to);
        close(s);
        return;
    }
    /* "fast PORT TEXT": with Fast Open, twice, since the first one asks for the cookie. */
    for (int i = 0; strcmp(verb, "fast") == 0 && i < 2; i++) {
        if (i > 0) s = socket(AF_INET, SOCK_STREAM, 0);
        sendto(s, rest, strlen(rest), MSG_FASTOPEN, (void *)&to, len);
        report(s);
        close(s);
    }
    if (strcmp(verb, "fast") == 0) return;
    if (strcmp(verb, "later") == 0) usleep(300000);
    if (connect(s, (void *)&to, sizeof to) < 0) {
        dprintf(fd, "connect %s\n", strerrorname_np(errno));
        close(s);
        return;
    }
    if (strcmp(verb, "script") == 0) {
        if (!follow(s, rest)) {
            report(s);
            close(s);
        }
        return;
    }
    if (strcmp(verb, "urgent") == 0) {
        tell_urgent(s, fd);
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
        count_reports(-1);
        break;
    case REPORT:
        report(j.fd);
        count_reports(-1);
        break;
    case LAST:
        until_reported();
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
    int pending = 16;
    setsockopt(s, IPPROTO_TCP, TCP_FASTOPEN, &pending, sizeof pending);
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
        if (port == REPORT || port == COMMAND) count_reports(1);
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
