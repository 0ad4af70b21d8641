/*
 * A TCP client: standard input goes to the peer, what the peer sends goes to standard output.
 *
 *     tcp_client ADDR PORT <file
 *
 * One matnet_poll waits for the socket and for standard input, which is the kernel's: both kinds may be mixed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <matnet.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s ADDR PORT\n", argv[0]);
        return 2;
    }
    struct sockaddr_in peer;
    memset(&peer, 0, sizeof peer);
    peer.sin_family = AF_INET;
    peer.sin_port = htons((unsigned short)atoi(argv[2]));
    if (inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1) {
        fprintf(stderr, "%s is not an IPv4 address\n", argv[1]);
        return 2;
    }

    int fd = matnet_socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        die("socket");
    if (matnet_connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0)
        die("connect");
    if (matnet_fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        die("O_NONBLOCK");

    static char out[65536], in[65536];
    size_t start = 0, end = 0; /* what of `out` is still to be sent */
    int input = 1;             /* standard input has more */
    for (;;) {
        struct pollfd fds[2] = {
            {.fd = fd, .events = (short)(POLLIN | (start < end ? POLLOUT : 0))},
            {.fd = input && start == end ? STDIN_FILENO : -1, .events = POLLIN},
        };
        if (matnet_poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            die("poll");
        }
        if (fds[1].revents) {
            ssize_t n = matnet_read(STDIN_FILENO, out, sizeof out);
            if (n < 0)
                die("read");
            start = 0;
            end = (size_t)n;
            if (n == 0) {
                input = 0;
                if (matnet_shutdown(fd, SHUT_WR) < 0)
                    die("shutdown");
            }
        }
        if (fds[0].revents & (POLLOUT | POLLERR)) {
            ssize_t n = matnet_send(fd, out + start, end - start, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                die("send");
            if (n > 0)
                start += (size_t)n;
        }
        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
            ssize_t n = matnet_recv(fd, in, sizeof in, 0);
            if (n < 0 && errno != EAGAIN && errno != EINTR)
                die("recv");
            if (n == 0)
                break;
            if (n > 0 && fwrite(in, 1, (size_t)n, stdout) != (size_t)n)
                die("write");
        }
    }
    if (fflush(stdout) != 0)
        die("write");
    matnet_close(fd);
    return 0;
}
