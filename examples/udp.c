/*
 * UDP both ways.
 *
 *     udp server PORT [COUNT]         sends every datagram back; ends after COUNT
 *     udp client ADDR PORT COUNT      sends COUNT datagrams of growing length, expects each back
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include <matnet.h>

#define LARGEST 65507 /* what a UDP datagram over IPv4 can carry */

static char data[LARGEST], back[LARGEST];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct sockaddr_in address(const char *ip, const char *port)
{
    struct sockaddr_in a;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_port = htons((unsigned short)atoi(port));
    if (ip && inet_pton(AF_INET, ip, &a.sin_addr) != 1) {
        fprintf(stderr, "%s is not an IPv4 address\n", ip);
        exit(2);
    }
    return a;
}

static int server(const char *port, long count)
{
    struct sockaddr_in local = address(NULL, port);
    int fd = matnet_socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        die("socket");
    if (matnet_bind(fd, (struct sockaddr *)&local, sizeof local) < 0)
        die("bind");
    printf("listening\n");
    fflush(stdout);
    while (count != 0) {
        struct sockaddr_in peer;
        socklen_t len = sizeof peer;
        ssize_t n = matnet_recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&peer, &len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("recvfrom");
        if (matnet_sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&peer, len) != n)
            die("sendto");
        if (count > 0)
            count--;
    }
    matnet_close(fd);
    return 0;
}

static int client(const char *ip, const char *port, long count)
{
    struct sockaddr_in peer = address(ip, port);
    struct timeval patience = {.tv_sec = 5, .tv_usec = 0};
    int fd = matnet_socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0)
        die("socket");
    if (matnet_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        die("SO_RCVTIMEO");
    if (matnet_connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0)
        die("connect");
    for (long i = 0; i < count; i++) {
        size_t len = count > 1 ? (size_t)i * LARGEST / (size_t)(count - 1) : 1;
        for (size_t at = 0; at < len; at++)
            data[at] = (char)rand();
        if (matnet_send(fd, data, len, 0) != (ssize_t)len)
            die("send");
        ssize_t n = matnet_recv(fd, back, sizeof back, 0);
        if (n < 0)
            die("recv");
        if ((size_t)n != len || memcmp(data, back, len) != 0) {
            fprintf(stderr, "datagram %ld: sent %zu bytes, got %zd other ones\n", i, len, n);
            return 1;
        }
    }
    printf("%ld datagrams came back\n", count);
    matnet_close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "server") == 0)
        return server(argv[2], argc > 3 ? atol(argv[3]) : -1);
    if (argc == 5 && strcmp(argv[1], "client") == 0)
        return client(argv[2], argv[3], atol(argv[4]));
    fprintf(stderr, "usage: %s server PORT [COUNT] | client ADDR PORT COUNT\n", argv[0]);
    return 2;
}
