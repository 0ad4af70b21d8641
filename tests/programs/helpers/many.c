/* Many connections at once, twice: each carries a byte both ways, then all are closed.
 *
 *   many serve ADDRESS PORT PORTS N    accepts N connections on PORTS ports, answers byte b with b + 1 on each, waits for the ends
 *   many dial ADDRESS PORT PORTS N     makes N connections, in turn to PORT, PORT + 1, ..., sends a byte on each, then checks the answers
 *
 * Prints a line for each stage: its name, the round, resident memory of this process and the machine's slab, both in kB. Behind each stage
 * the dialler waits for a line on standard input, so that a script can look. Exit status 1 when a call fails or a byte is wrong.
 * Connections are blocking.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int done; /* connections of this round so far */

static void fail(const char *what)
{
    fprintf(stderr, "many: %s: %s, after %d\n", what, strerror(errno), done);
    exit(1);
}

/* The number behind NAME in FILE. */
static long figure(const char *file, const char *name)
{
    char line[256];
    long value = -1;
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name)))
            value = atol(line + strlen(name));
    if (f)
        fclose(f);
    return value;
}

static void stage(const char *name, int round)
{
    printf("%s %d %ld %ld\n", name, round, figure("/proc/self/status", "VmRSS:"), figure("/proc/meminfo", "Slab:"));
    fflush(stdout);
}

static unsigned char byte_of(int i, int round)
{
    return (unsigned char)((i + round) % 251 + 1);
}

static void serve(struct sockaddr_in at, int port, int ports, int *fds, int n)
{
    struct pollfd *listeners = calloc((size_t)ports, sizeof *listeners);
    int *next = calloc((size_t)ports, sizeof *next), one = 1;
    for (int i = 0; i < ports; i++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        at.sin_port = htons((unsigned short)(port + i));
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096))
            fail("listen");
        listeners[i] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    stage("start", 0);
    for (int round = 1; round <= 2; round++) {
        for (int i = 0; i < ports; i++)
            next[i] = i;
        for (done = 0; done < n;) {
            if (poll(listeners, (nfds_t)ports, 60000) < 1)
                fail("poll");
            for (int i = 0; i < ports && done < n; i++)
                if (listeners[i].revents & POLLIN) {
                    int fd = accept(listeners[i].fd, NULL, NULL);
                    if (fd < 0 || next[i] >= n)
                        fail("accept");
                    fds[next[i]] = fd;
                    next[i] += ports;
                    done++;
                }
        }
        stage("established", round);
        for (done = 0; done < n; done++) {
            unsigned char b;
            if (read(fds[done], &b, 1) != 1)
                fail("read");
            b++;
            if (write(fds[done], &b, 1) != 1)
                fail("write");
        }
        stage("answered", round);
        for (done = 0; done < n; done++) {
            unsigned char b;
            if (read(fds[done], &b, 1) != 0)
                fail("no end of stream");
            if (close(fds[done]))
                fail("close");
        }
        stage("closed", round);
    }
    pause();
}

static void wait_line(void)
{
    char line[16];
    if (!fgets(line, sizeof line, stdin))
        exit(0);
}

static void dial(struct sockaddr_in at, int port, int ports, int *fds, int n)
{
    /* What the first socket costs is not a connection's. */
    close(socket(AF_INET, SOCK_STREAM, 0));
    stage("start", 0);
    wait_line();
    for (int round = 1; round <= 2; round++) {
        for (done = 0; done < n; done++) {
            fds[done] = socket(AF_INET, SOCK_STREAM, 0);
            if (fds[done] < 0)
                fail("socket");
            at.sin_port = htons((unsigned short)(port + done % ports));
            if (connect(fds[done], (struct sockaddr *)&at, sizeof at))
                fail("connect");
        }
        stage("established", round);
        wait_line();
        /* All bytes first: connections that were made in a row may be accepted in another order. */
        for (done = 0; done < n; done++) {
            unsigned char b = byte_of(done, round);
            if (write(fds[done], &b, 1) != 1)
                fail("write");
        }
        for (done = 0; done < n; done++) {
            unsigned char b = 0;
            if (read(fds[done], &b, 1) != 1)
                fail("read");
            if (b != (unsigned char)(byte_of(done, round) + 1)) {
                fprintf(stderr, "many: connection %d: %d instead of %d\n", done, b, byte_of(done, round) + 1);
                exit(1);
            }
        }
        stage("answered", round);
        wait_line();
        for (done = 0; done < n; done++)
            if (close(fds[done]))
                fail("close");
        stage("closed", round);
        wait_line();
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int port = argc == 6 ? atoi(argv[3]) : 0, ports = argc == 6 ? atoi(argv[4]) : 0, n = argc == 6 ? atoi(argv[5]) : 0;
    if (n < 1 || ports < 1 || !inet_pton(AF_INET, argv[2], &at.sin_addr)) {
        fprintf(stderr, "usage: many serve|dial ADDRESS PORT PORTS N\n");
        return 2;
    }
    /* Written to, so that these pages are there before anything is measured. */
    int *fds = malloc((size_t)n * sizeof *fds);
    memset(fds, 0xff, (size_t)n * sizeof *fds);
    if (!strcmp(argv[1], "serve"))
        serve(at, port, ports, fds, n);
    else
        dial(at, port, ports, fds, n);
    return 0;
}
