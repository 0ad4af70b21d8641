/* Request and response over one TCP connection, blocking: how many round trips a second.
 *
 *   rr serve PORT                        echoes one connection after another
 *   rr ask ADDRESS PORT SECONDS BYTES    prints round trips a second; exit status 1 when a byte comes back changed
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void undelayed(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int serve(struct sockaddr_in *at)
{
    static char data[65536];
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)at, sizeof *at) || listen(listener, 8)) {
        perror("rr: listen");
        return 2;
    }
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        ssize_t n;
        if (fd < 0)
            continue;
        undelayed(fd);
        while ((n = read(fd, data, sizeof data)) > 0 && write(fd, data, (size_t)n) == n)
            ;
        close(fd);
    }
}

static int ask(struct sockaddr_in *at, double seconds, size_t bytes)
{
    static char out[65536], in[65536];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    unsigned long trips = 0;
    if (connect(fd, (struct sockaddr *)at, sizeof *at)) {
        perror("rr: connect");
        return 2;
    }
    undelayed(fd);
    double begin = now(), end = begin + seconds, at_end;
    do {
        memset(out, (int)(trips & 0xff), bytes);
        if (write(fd, out, bytes) != (ssize_t)bytes)
            return 1;
        for (size_t got = 0; got < bytes;) {
            ssize_t n = read(fd, in + got, bytes - got);
            if (n <= 0)
                return 1;
            got += (size_t)n;
        }
        if (memcmp(in, out, bytes))
            return 1;
        trips++;
        at_end = now();
    } while (at_end < end);
    printf("%.0f\n", (double)trips / (at_end - begin));
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (argc == 3 && !strcmp(argv[1], "serve")) {
        at.sin_port = htons((unsigned short)atoi(argv[2]));
        return serve(&at);
    }
    size_t bytes = argc == 6 ? (size_t)atol(argv[5]) : 0;
    if (argc != 6 || strcmp(argv[1], "ask") || !bytes || bytes > 65536 || !inet_pton(AF_INET, argv[2], &at.sin_addr)) {
        fprintf(stderr, "usage: rr serve PORT | rr ask ADDRESS PORT SECONDS BYTES\n");
        return 2;
    }
    at.sin_port = htons((unsigned short)atoi(argv[3]));
    return ask(&at, atof(argv[4]), bytes);
}
