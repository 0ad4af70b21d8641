/* Connect, request, answer, close: how many connections a second, one after another, blocking.
 *
 *   crr serve PORT                       answers one request on each connection and closes it
 *   crr ask ADDRESS PORT SECONDS BYTES   prints connections a second; exit status 1 when an answer is not the request
 *   crr count ADDRESS PORT N BYTES       the same for N connections
 *
 * The server closes first, as with HTTP/1.0: TIME_WAIT is its, and the client's ports are free again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

static int serve(struct sockaddr_in *at)
{
    static char data[65536];
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)at, sizeof *at) || listen(listener, 1024)) {
        perror("crr: listen");
        return 2;
    }
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            continue;
        ssize_t n = read(fd, data, sizeof data);
        if (n > 0 && write(fd, data, (size_t)n) != n)
            perror("crr: write");
        close(fd);
    }
}

/* One connection; 0 when the answer was the request and the stream ended behind it. */
static int once(struct sockaddr_in *at, char *out, char *in, size_t bytes, unsigned long number)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t got = 0;
    ssize_t n;
    if (fd < 0 || connect(fd, (struct sockaddr *)at, sizeof *at)) {
        perror("crr: connect");
        return 2;
    }
    memset(out, (int)(number & 0xff), bytes);
    if (write(fd, out, bytes) != (ssize_t)bytes)
        return 1;
    while ((n = read(fd, in + got, bytes + 1 - got)) > 0)
        got += (size_t)n;
    close(fd);
    return n < 0 || got != bytes || memcmp(in, out, bytes);
}

int main(int argc, char **argv)
{
    static char out[65536], in[65537];
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (argc == 3 && !strcmp(argv[1], "serve")) {
        at.sin_port = htons((unsigned short)atoi(argv[2]));
        return serve(&at);
    }
    size_t bytes = argc == 6 ? (size_t)atol(argv[5]) : 0;
    int counted = argc == 6 && !strcmp(argv[1], "count");
    if (argc != 6 || (strcmp(argv[1], "ask") && !counted) || !bytes || bytes > sizeof out ||
        !inet_pton(AF_INET, argv[2], &at.sin_addr)) {
        fprintf(stderr, "usage: crr serve PORT | crr ask ADDRESS PORT SECONDS BYTES | crr count ADDRESS PORT N BYTES\n");
        return 2;
    }
    at.sin_port = htons((unsigned short)atoi(argv[3]));
    double begin = now(), end = begin + atof(argv[4]), at_end = begin;
    unsigned long done = 0, most = counted ? strtoul(argv[4], NULL, 10) : (unsigned long)-1;
    while (done < most && (counted || at_end < end)) {
        int status = once(&at, out, in, bytes, done);
        if (status)
            return status;
        done++;
        at_end = now();
    }
    printf("%.0f\n", (double)done / (at_end - begin));
    return 0;
}
