/* Request and response, TCP or UDP: how many round trips a second.
 *
 *   rr serve tcp|udp PORT [epoll]                        echoes: one connection after another, or with epoll many at once
 *   rr ask tcp|udp ADDRESS PORT SECONDS BYTES [epoll]    prints "RATE TRIPS"
 *
 * Every answer is compared with its request. Exit status 1 when a byte comes back changed, or when no answer comes for two
 * seconds. Without epoll the sockets block; with it they do not, and every read is behind an epoll_wait, as servers do it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LARGEST 65536
#define PATIENCE 2 /* seconds without an answer */

static char data[LARGEST];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int complain(const char *what)
{
    fprintf(stderr, "rr: %s: %s\n", what, strerror(errno));
    return 2;
}

static void prepare(int fd, int udp, int epoll)
{
    int one = 1;
    if (!udp)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (epoll)
        fcntl(fd, F_SETFL, O_NONBLOCK);
}

static int watch(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static void echo_datagram(int fd)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &length);
    if (n >= 0 && sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, length) != n)
        complain("sendto");
}

static int serve_epoll(int listener, int udp)
{
    struct epoll_event events[64];
    int set = epoll_create1(0);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    if (set < 0 || watch(set, listener))
        return complain("epoll");
    for (;;) {
        int count = epoll_wait(set, events, 64, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            ssize_t n;
            if (fd != listener) {
                n = read(fd, data, sizeof data);
                if (n > 0 && write(fd, data, (size_t)n) == n)
                    continue;
                if (n < 0 && errno == EAGAIN)
                    continue;
                close(fd);
            } else if (udp) {
                echo_datagram(fd);
            } else if ((fd = accept(listener, NULL, NULL)) >= 0) {
                prepare(fd, 0, 1);
                if (watch(set, fd))
                    return complain("epoll_ctl");
            }
        }
    }
}

static int serve(struct sockaddr_in *at, int udp, int epoll)
{
    int one = 1, listener = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)at, sizeof *at) || (!udp && listen(listener, 128)))
        return complain("listen");
    if (epoll)
        return serve_epoll(listener, udp);
    for (;;) {
        if (udp) {
            echo_datagram(listener);
            continue;
        }
        int fd = accept(listener, NULL, NULL);
        ssize_t n;
        if (fd < 0)
            continue;
        prepare(fd, 0, 0);
        while ((n = read(fd, data, sizeof data)) > 0 && write(fd, data, (size_t)n) == n)
            ;
        close(fd);
    }
}

/* One answer of `bytes` bytes; 0 when it came. */
static int answer(int fd, int set, char *in, size_t bytes, int udp)
{
    for (size_t got = 0; got < bytes;) {
        struct epoll_event event;
        if (set >= 0) {
            int ready = epoll_wait(set, &event, 1, PATIENCE * 1000);
            if (ready < 0 && errno == EINTR)
                continue;
            if (ready != 1)
                return complain("no answer");
        }
        ssize_t n = recv(fd, in + got, bytes - got, 0);
        if (n <= 0)
            return complain("the answer does not come");
        got += (size_t)n;
        if (udp && got != bytes) {
            fprintf(stderr, "rr: %zu bytes instead of %zu\n", got, bytes);
            return 1;
        }
    }
    return 0;
}

static int ask(struct sockaddr_in *at, int udp, double seconds, size_t bytes, int epoll)
{
    static char out[LARGEST], in[LARGEST];
    int fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0), set = -1;
    struct timeval patience = {.tv_sec = PATIENCE};
    unsigned long trips = 0;
    if (connect(fd, (struct sockaddr *)at, sizeof *at))
        return complain("connect");
    prepare(fd, udp, epoll);
    if (epoll) {
        set = epoll_create1(0);
        if (set < 0 || watch(set, fd))
            return complain("epoll");
    } else {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    double begin = now(), end = begin + seconds, at_end;
    do {
        memset(out, (int)(trips & 0xff), bytes);
        if (write(fd, out, bytes) != (ssize_t)bytes)
            return complain("write");
        int status = answer(fd, set, in, bytes, udp);
        if (status)
            return status;
        if (memcmp(in, out, bytes)) {
            fprintf(stderr, "rr: round trip %lu came back changed\n", trips);
            return 1;
        }
        trips++;
        at_end = now();
    } while (at_end < end);
    printf("%.0f %lu\n", (double)trips / (at_end - begin), trips);
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int epoll = !strcmp(argv[argc - 1], "epoll"), udp = argc > 2 && !strcmp(argv[2], "udp");
    argc -= epoll;
    if (argc == 4 && !strcmp(argv[1], "serve")) {
        at.sin_port = htons((unsigned short)atoi(argv[3]));
        return serve(&at, udp, epoll);
    }
    size_t bytes = argc == 7 ? (size_t)atol(argv[6]) : 0;
    if (argc != 7 || strcmp(argv[1], "ask") || !bytes || bytes > LARGEST || !inet_pton(AF_INET, argv[3], &at.sin_addr)) {
        fprintf(stderr, "usage: rr serve tcp|udp PORT [epoll] | rr ask tcp|udp ADDRESS PORT SECONDS BYTES [epoll]\n");
        return 2;
    }
    at.sin_port = htons((unsigned short)atoi(argv[4]));
    return ask(&at, udp, atof(argv[5]), bytes, epoll);
}
