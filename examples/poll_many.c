/*
 * Many connections in one thread: an echo server around matnet_poll, and the stack's own figures at the end.
 *
 *     poll_many PORT CONNECTIONS      ends after that many connections
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <matnet.h>

#define ROOM 16384

struct conn {
    size_t start, end; /* what of `data` is still to be sent */
    int ended;         /* the peer has finished sending */
    char data[ROOM];
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* One step of one connection; 0 when it is over. */
static int step(int fd, struct conn *c, short revents)
{
    if (c->start == c->end && !c->ended && (revents & (POLLIN | POLLHUP | POLLERR))) {
        ssize_t n = matnet_read(fd, c->data, ROOM);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->start = 0;
        c->end = (size_t)n;
        c->ended = n == 0;
    }
    while (c->start < c->end) {
        ssize_t n = matnet_send(fd, c->data + c->start, c->end - c->start, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->start += (size_t)n;
    }
    return !c->ended;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s PORT CONNECTIONS\n", argv[0]);
        return 2;
    }
    size_t expected = strtoul(argv[2], NULL, 10), accepted = 0, open = 0;
    struct pollfd *fds = calloc(expected + 1, sizeof *fds);
    struct conn **conns = calloc(expected + 1, sizeof *conns);
    if (!fds || !conns)
        die("calloc");

    int listener = matnet_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener < 0)
        die("socket");
    struct sockaddr_in local;
    memset(&local, 0, sizeof local);
    local.sin_family = AF_INET;
    local.sin_port = htons((unsigned short)atoi(argv[1]));
    if (matnet_bind(listener, (struct sockaddr *)&local, sizeof local) < 0)
        die("bind");
    if (matnet_listen(listener, 128) < 0)
        die("listen");
    printf("listening\n");
    fflush(stdout);

    /* fds[0] is the listener, fds[1..open] are the connections. */
    while (accepted < expected || open > 0) {
        fds[0].fd = accepted < expected ? listener : -1;
        fds[0].events = POLLIN;
        for (size_t i = 1; i <= open; i++)
            fds[i].events = conns[i]->start < conns[i]->end ? POLLOUT : POLLIN;
        if (matnet_poll(fds, open + 1, -1) < 0) {
            if (errno == EINTR)
                continue;
            die("poll");
        }
        for (size_t i = open; i >= 1; i--) {
            if (fds[i].revents == 0 || step(fds[i].fd, conns[i], fds[i].revents))
                continue;
            matnet_close(fds[i].fd);
            free(conns[i]);
            fds[i] = fds[open];
            conns[i] = conns[open];
            open--;
        }
        while (accepted < expected) {
            int fd = matnet_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
                break;
            if (fd < 0)
                die("accept4");
            open++;
            accepted++;
            fds[open].fd = fd;
            conns[open] = calloc(1, sizeof **conns);
            if (!conns[open])
                die("calloc");
        }
    }
    matnet_close(listener);
    free(fds);
    free(conns);

    struct matnet_stats stats = MATNET_STATS_INIT;
    if (matnet_stats(&stats) < 0)
        die("stats");
    printf("%zu connections, %" PRIu64 " segments in, %" PRIu64 " out\n", accepted, stats.tcp_in, stats.tcp_out);
    return 0;
}
