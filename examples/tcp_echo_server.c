/*
 * A TCP server that sends back what it receives, one connection after the other.
 *
 *     tcp_echo_server [-a ADDR/PREFIX] [-t TAP] PORT [CONNECTIONS]
 *
 * -a and -t show how a program gives options by itself; without them the environment and the defaults hold.
 * With CONNECTIONS it ends after that many.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

/* Sends everything: like write, matnet_send may take only a part. */
static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = matnet_send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void serve(int fd)
{
    static char buf[65536];
    unsigned long long total = 0;
    for (;;) {
        ssize_t n = matnet_recv(fd, buf, sizeof buf, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            perror("recv");
            break;
        }
        if (n == 0)
            break;
        if (send_all(fd, buf, (size_t)n) < 0) {
            perror("send");
            break;
        }
        total += (unsigned long long)n;
    }
    printf("%llu bytes\n", total);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct matnet_config config = MATNET_CONFIG_INIT;
    int option;
    while ((option = getopt(argc, argv, "a:t:")) != -1) {
        switch (option) {
        case 'a':
            config.addr = optarg;
            break;
        case 't':
            config.tap = optarg;
            break;
        default:
            return 2;
        }
    }
    if (optind >= argc) {
        fprintf(stderr, "usage: %s [-a ADDR/PREFIX] [-t TAP] PORT [CONNECTIONS]\n", argv[0]);
        return 2;
    }
    int port = atoi(argv[optind]);
    long connections = optind + 1 < argc ? atol(argv[optind + 1]) : -1;

    if ((config.addr || config.tap) && matnet_init(&config) < 0)
        die("matnet_init");

    int listener = matnet_socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0)
        die("socket");
    int on = 1;
    if (matnet_setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        die("SO_REUSEADDR");
    struct sockaddr_in local;
    memset(&local, 0, sizeof local);
    local.sin_family = AF_INET;
    local.sin_port = htons((unsigned short)port);
    if (matnet_bind(listener, (struct sockaddr *)&local, sizeof local) < 0)
        die("bind");
    if (matnet_listen(listener, 16) < 0)
        die("listen");
    printf("listening\n");
    fflush(stdout);

    while (connections != 0) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        int fd = matnet_accept(listener, (struct sockaddr *)&peer, &len);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            die("accept");
        char name[INET_ADDRSTRLEN];
        printf("%s: ", inet_ntop(AF_INET, &peer.sin_addr, name, sizeof name));
        serve(fd);
        matnet_close(fd);
        if (connections > 0)
            connections--;
    }
    matnet_close(listener);
    return 0;
}
