/* Many connections that do nothing: how fast they come, so that a script can look at what they cost.
 *
 *   conns serve PORT N [epoll]         accepts N, prints "listening" and then "accepted RATE"; with epoll they are registered
 *   conns connect ADDRESS PORT N GO    prints "ready", and once the file GO exists makes N, up to 256 on the way at once, and
 *                                      prints "connected RATE"
 *
 * Both then hold the connections until SIGTERM, in epoll_wait or pause. Both first make or take one connection more and
 * close it, so that what a first connection alone costs is there ("listening" of the server means: after that one).
 * Every connection carries one byte, its number, from the client: the server compares the sum with what it must be.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW 256

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int complain(const char *what)
{
    fprintf(stderr, "conns: %s: %s\n", what, strerror(errno));
    return 2;
}

static int serve(struct sockaddr_in *at, long n, int epoll)
{
    int one = 1, set = epoll_create1(0), listener = socket(AF_INET, SOCK_STREAM, 0);
    int *fds = malloc((size_t)n * sizeof *fds);
    unsigned long sum = 0, expected = 0;
    unsigned char byte;
    double begin = 0;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!fds || bind(listener, (struct sockaddr *)at, sizeof *at) || listen(listener, 4096))
        return complain("listen");
    memset(fds, 0, (size_t)n * sizeof *fds);
    puts("bound");
    fflush(stdout);
    int first = accept(listener, NULL, NULL);
    if (first < 0 || read(first, &byte, 1) < 0)
        return complain("accept");
    close(first);
    puts("listening");
    fflush(stdout);
    for (long i = 0; i < n; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP, .data.u64 = (uint64_t)i};
        if ((fds[i] = accept(listener, NULL, NULL)) < 0)
            return complain("accept");
        if (!i)
            begin = now();
        if (epoll && epoll_ctl(set, EPOLL_CTL_ADD, fds[i], &event))
            return complain("epoll_ctl");
    }
    double seconds = now() - begin;
    for (long i = 0; i < n; i++) {
        if (read(fds[i], &byte, 1) != 1)
            return complain("read");
        sum += byte;
        expected += (unsigned char)i;
    }
    if (sum != expected) {
        fprintf(stderr, "conns: the bytes of the connections sum up to %lu instead of %lu\n", sum, expected);
        return 1;
    }
    printf("accepted %.0f\n", (double)(n - 1) / seconds);
    fflush(stdout);
    while (epoll) {
        struct epoll_event events[64];
        epoll_wait(set, events, 64, -1);
    }
    pause();
    return 0;
}

static int finished(int fd, long number)
{
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    unsigned char byte = (unsigned char)number;
    int error = 0;
    socklen_t length = sizeof error;
    if (poll(&wait, 1, 10000) != 1) {
        errno = ETIMEDOUT;
        return complain("connect");
    }
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    if (error || write(fd, &byte, 1) != 1)
        return complain("connect");
    return 0;
}

static int begun(struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)at, sizeof *at) && errno != EINPROGRESS) {
        complain("connect");
        close(fd);
        return -1;
    }
    return fd;
}

static int dial(struct sockaddr_in *at, long n, const char *go)
{
    int *fds = malloc((size_t)n * sizeof *fds);
    int first = begun(at);
    if (!fds || first < 0 || finished(first, 0))
        return complain("the first connection");
    memset(fds, 0, (size_t)n * sizeof *fds);
    close(first);
    puts("ready");
    fflush(stdout);
    while (access(go, F_OK))
        usleep(10000);
    double begin = now();
    for (long i = 0; i < n + WINDOW; i++) {
        if (i < n && (fds[i] = begun(at)) < 0)
            return complain("socket");
        if (i >= WINDOW && i - WINDOW < n && finished(fds[i - WINDOW], i - WINDOW))
            return 1;
    }
    printf("connected %.0f\n", (double)n / (now() - begin));
    fflush(stdout);
    pause();
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (argc >= 4 && !strcmp(argv[1], "serve") && atol(argv[3]) > 0) {
        at.sin_port = htons((unsigned short)atoi(argv[2]));
        return serve(&at, atol(argv[3]), argc == 5);
    }
    if (argc != 6 || strcmp(argv[1], "connect") || !inet_pton(AF_INET, argv[2], &at.sin_addr) || atol(argv[4]) < 1) {
        fprintf(stderr, "usage: conns serve PORT N [epoll] | conns connect ADDRESS PORT N GO\n");
        return 2;
    }
    at.sin_port = htons((unsigned short)atoi(argv[3]));
    return dial(&at, atol(argv[4]), argv[5]);
}
