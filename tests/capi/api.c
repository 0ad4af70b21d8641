/*
 * Every function of matnet.h once, good and bad calls, against a kernel peer.
 *
 *     api TAP OWN_ADDR ADDR ECHO_PORT UDP_PORT SINK_PORT
 *
 * ADDR runs a TCP echo server, a UDP echo server and a TCP sink. Linked with either library; -DSHARED for the one that
 * hooks libc. At the end the program returns from main with bytes unsent: they must reach the sink.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <matnet.h>

static int failures;

#define CHECK(what)                                                                                   \
    do {                                                                                              \
        if (!(what)) {                                                                                \
            fprintf(stderr, "api.c:%d: %s (errno %d: %s)\n", __LINE__, #what, errno, strerror(errno)); \
            failures++;                                                                               \
        }                                                                                             \
    } while (0)

/* The call fails with this errno. */
#define FAILS(call, error)                                                                           \
    do {                                                                                             \
        errno = 0;                                                                                   \
        long got_ = (long)(call);                                                                    \
        if (got_ != -1 || errno != (error)) {                                                        \
            fprintf(stderr, "api.c:%d: %s: %ld, errno %d (%s), expected %s\n", __LINE__, #call, got_, \
                    errno, strerror(errno), #error);                                                 \
            failures++;                                                                              \
        }                                                                                            \
    } while (0)

static struct sockaddr_in peer_ip;

static struct sockaddr_in at(const char *port)
{
    struct sockaddr_in a = peer_ip;
    a.sin_port = htons((unsigned short)atoi(port));
    return a;
}

static int connected(const char *port)
{
    struct sockaddr_in a = at(port);
    int fd = matnet_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    CHECK(matnet_connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    return fd;
}

static void wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    CHECK(matnet_poll(&p, 1, 10000) == 1);
}

static void versions(void)
{
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", MATNET_VERSION_MAJOR, MATNET_VERSION_MINOR, MATNET_VERSION_PATCH);
    CHECK(strcmp(text, MATNET_VERSION) == 0);
    CHECK(strcmp(text, matnet_version()) == 0);
}

static void initialise(const char *tap)
{
    struct matnet_config config = MATNET_CONFIG_INIT;
    config.addr = "10.88.45/24";
    FAILS(matnet_init(&config), EINVAL);
    config.size = 0;
    FAILS(matnet_init(&config), EINVAL);
    config = (struct matnet_config)MATNET_CONFIG_INIT;
    config.tap = tap;
    config.linger = "20s";
    CHECK(matnet_init(&config) == 0);
    FAILS(matnet_init(&config), EBUSY);
    FAILS(matnet_init(NULL), EBUSY);
}

static void bad_calls(void)
{
    int fd = matnet_socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = at("1");
    socklen_t len = sizeof a;
    char byte = 0;
    CHECK(fd >= 0);
    FAILS(matnet_connect(fd, NULL, sizeof a), EFAULT);
    FAILS(matnet_connect(fd, (struct sockaddr *)&a, 1000), EINVAL);
    FAILS(matnet_bind(fd, NULL, sizeof a), EFAULT);
    FAILS(matnet_send(fd, NULL, 1, MSG_NOSIGNAL), EFAULT);
    FAILS(matnet_recv(fd, NULL, 1, 0), EFAULT);
    FAILS(matnet_read(fd, NULL, 1), EFAULT);
    FAILS(matnet_write(fd, NULL, 1), EFAULT);
    FAILS(matnet_readv(fd, NULL, 1), EFAULT);
    FAILS(matnet_writev(fd, NULL, 1), EFAULT);
    FAILS(matnet_sendmsg(fd, NULL, 0), EFAULT);
    FAILS(matnet_recvmsg(fd, NULL, 0), EFAULT);
    FAILS(matnet_accept(fd, (struct sockaddr *)&a, NULL), EFAULT);
    FAILS(matnet_getsockname(fd, NULL, &len), EFAULT);
    FAILS(matnet_getsockname(fd, (struct sockaddr *)&a, NULL), EFAULT);
    FAILS(matnet_getsockopt(fd, SOL_SOCKET, SO_ERROR, &byte, NULL), EFAULT);
    FAILS(matnet_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, NULL, sizeof(int)), EFAULT);
    FAILS(matnet_setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &byte, (socklen_t)-1), EINVAL);
    FAILS(matnet_poll(NULL, 1, 0), EFAULT);
    FAILS(matnet_stats(NULL), EFAULT);
    FAILS(matnet_getpeername(fd, (struct sockaddr *)&a, &len), ENOTCONN);
    FAILS(matnet_recv(fd, &byte, 1, 0), ENOTCONN);
    FAILS(matnet_accept(fd, NULL, NULL), EINVAL);
    a = at("1");
    FAILS(matnet_connect(fd, (struct sockaddr *)&a, sizeof a), ECONNREFUSED);
    CHECK(matnet_close(fd) == 0);
    FAILS(matnet_send(fd, &byte, 1, 0), EBADF);
    FAILS(matnet_close(fd), EBADF);
    FAILS(matnet_read(-1, &byte, 1), EBADF);
    FAILS(matnet_dup(-1), EBADF);
    FAILS(matnet_socket(AF_INET, 99, 0), EINVAL);
}

static void kernel_descriptors(const char *port)
{
    int pipes[2], sock = connected(port);
    char buf[8];
    CHECK(pipe(pipes) == 0);
    struct pollfd p[3] = {{.fd = pipes[0], .events = POLLIN}, {.fd = sock, .events = POLLIN}, {.fd = -1}};
    CHECK(matnet_poll(p, 3, 20) == 0);
    CHECK(matnet_write(pipes[1], "pipe", 4) == 4);
    CHECK(matnet_poll(p, 3, -1) == 1 && p[0].revents == POLLIN && p[1].revents == 0);
    CHECK(matnet_write(sock, "sock", 4) == 4);
    wait_for(sock, POLLIN);
    CHECK(matnet_poll(p, 3, -1) == 2 && p[1].revents == POLLIN);

    fd_set in, out;
    struct timeval tv = {.tv_sec = 9, .tv_usec = 0};
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(pipes[0], &in);
    FD_SET(sock, &in);
    FD_SET(sock, &out);
    CHECK(matnet_select((sock > pipes[0] ? sock : pipes[0]) + 1, &in, &out, NULL, &tv) == 3);
    CHECK(tv.tv_sec >= 7);

    CHECK(matnet_read(pipes[0], buf, sizeof buf) == 4 && memcmp(buf, "pipe", 4) == 0);
    CHECK(matnet_read(sock, buf, sizeof buf) == 4 && memcmp(buf, "sock", 4) == 0);
    CHECK(matnet_close(pipes[0]) == 0 && matnet_close(pipes[1]) == 0 && matnet_close(sock) == 0);
}

static void stream(const char *port, const char *tap_addr)
{
    int fd = connected(port), on = 1, n = 0;
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    char buf[64], ip[INET_ADDRSTRLEN];
    CHECK(matnet_getsockname(fd, (struct sockaddr *)&a, &len) == 0 && len == sizeof a);
    CHECK(strcmp(inet_ntop(AF_INET, &a.sin_addr, ip, sizeof ip), tap_addr) == 0);
    CHECK(matnet_getpeername(fd, (struct sockaddr *)&a, &len) == 0);
    CHECK(a.sin_addr.s_addr == peer_ip.sin_addr.s_addr && a.sin_port == htons((unsigned short)atoi(port)));

    CHECK(matnet_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    len = sizeof n;
    CHECK(matnet_getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &n, &len) == 0 && n != 0 && len == sizeof n);
    CHECK(matnet_getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &len) == 0 && n == SOCK_STREAM);

    struct iovec parts[2] = {{.iov_base = "gather ", .iov_len = 7}, {.iov_base = "write", .iov_len = 5}};
    CHECK(matnet_writev(fd, parts, 2) == 12);
    CHECK(matnet_recv(fd, buf, 12, MSG_WAITALL | MSG_PEEK) == 12 && memcmp(buf, "gather write", 12) == 0);
    CHECK(matnet_ioctl(fd, FIONREAD, &n) == 0 && n == 12);
    char one[5], two[7];
    struct iovec room[2] = {{.iov_base = one, .iov_len = 5}, {.iov_base = two, .iov_len = 7}};
    CHECK(matnet_readv(fd, room, 2) == 12 && memcmp(one, "gathe", 5) == 0 && memcmp(two, "r write", 7) == 0);

    struct msghdr msg;
    memset(&msg, 0, sizeof msg);
    msg.msg_iov = parts;
    msg.msg_iovlen = 2;
    CHECK(matnet_sendmsg(fd, &msg, MSG_NOSIGNAL) == 12);
    msg.msg_iov = room;
    CHECK(matnet_recvmsg(fd, &msg, MSG_WAITALL) == 12 && memcmp(two, "r write", 7) == 0);

    CHECK(matnet_fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
    CHECK((matnet_fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    FAILS(matnet_recv(fd, buf, sizeof buf, 0), EAGAIN);
    CHECK(matnet_fcntl(fd, F_SETFL, 0) == 0);
    FAILS(matnet_recv(fd, buf, sizeof buf, MSG_DONTWAIT), EAGAIN);

    /* The other number is the same connection, and it outlives the first. */
    int copy = matnet_dup(fd);
    CHECK(copy >= 0 && copy != fd);
    CHECK(matnet_close(fd) == 0);
    CHECK(matnet_send(copy, "dup", 3, 0) == 3);
    CHECK(matnet_recv(copy, buf, 3, MSG_WAITALL) == 3 && memcmp(buf, "dup", 3) == 0);
    CHECK(matnet_dup2(copy, fd) == fd);
    CHECK(matnet_close(copy) == 0);

    /* The kernel's epoll waits on it. */
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = fd}};
    CHECK(matnet_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event) == 0);
    CHECK(epoll_wait(ep, &event, 1, 20) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(matnet_send(fd, "epoll", 5, 0) == 5);
        CHECK(epoll_wait(ep, &event, 1, 10000) == 1 && event.data.fd == fd && event.events == EPOLLIN);
        CHECK(matnet_recv(fd, buf, 5, MSG_WAITALL) == 5);
        CHECK(epoll_wait(ep, &event, 1, 0) == 0);
    }
    FAILS(matnet_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event), EEXIST);
    CHECK(matnet_epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL) == 0);
    close(ep);

    CHECK(matnet_shutdown(fd, SHUT_WR) == 0);
    FAILS(matnet_send(fd, "x", 1, MSG_NOSIGNAL), EPIPE);
    CHECK(matnet_recv(fd, buf, sizeof buf, 0) == 0);
    len = sizeof n;
    CHECK(matnet_getsockopt(fd, SOL_SOCKET, SO_ERROR, &n, &len) == 0 && n == 0);
    CHECK(matnet_close(fd) == 0);
}

static void datagrams(const char *port)
{
    struct sockaddr_in to = at(port), from;
    socklen_t len = sizeof from;
    char buf[64];
    int fd = matnet_socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(fd >= 0);
    CHECK(matnet_sendto(fd, "datagram", 8, 0, (struct sockaddr *)&to, sizeof to) == 8);
    wait_for(fd, POLLIN);
    CHECK(matnet_recvfrom(fd, buf, 4, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &len) == 8);
    CHECK(len == sizeof from && from.sin_port == to.sin_port && from.sin_addr.s_addr == to.sin_addr.s_addr);
    CHECK(matnet_recvfrom(fd, buf, sizeof buf, 0, NULL, NULL) == 8 && memcmp(buf, "datagram", 8) == 0);
    CHECK(matnet_sendto(fd, NULL, 0, 0, (struct sockaddr *)&to, sizeof to) == 0);
    CHECK(matnet_recv(fd, buf, sizeof buf, 0) == 0);
    CHECK(matnet_close(fd) == 0);
}

/* A server and its client in one process, both of kind `ip`: 127.0.0.1 is the kernel's, our own address loops in the stack. */
static void with_ourselves(const char *ip)
{
    struct sockaddr_in a, peer;
    socklen_t len = sizeof a;
    char buf[16], name[INET_ADDRSTRLEN];
    int on = 1;
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    CHECK(inet_pton(AF_INET, ip, &a.sin_addr) == 1);
    int listener = matnet_socket(AF_INET, SOCK_STREAM, 0);
    CHECK(matnet_setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0);
    CHECK(matnet_bind(listener, (struct sockaddr *)&a, sizeof a) == 0);
    CHECK(matnet_listen(listener, 1) == 0);
    CHECK(matnet_getsockname(listener, (struct sockaddr *)&a, &len) == 0 && a.sin_port != 0);
    on = 0;
    len = sizeof on;
    CHECK(matnet_getsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, &len) == 0 && on == 1);

    int client = matnet_socket(AF_INET, SOCK_STREAM, 0);
    CHECK(matnet_connect(client, (struct sockaddr *)&a, sizeof a) == 0);
    wait_for(listener, POLLIN);
    len = sizeof peer;
    int server = matnet_accept4(listener, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
    CHECK(server >= 0);
    CHECK(strcmp(inet_ntop(AF_INET, &peer.sin_addr, name, sizeof name), ip) == 0);
    CHECK(matnet_send(client, "to myself", 9, 0) == 9);
    CHECK(matnet_recv(server, buf, 9, MSG_WAITALL) == 9 && memcmp(buf, "to myself", 9) == 0);
    CHECK(matnet_write(server, "and back", 8) == 8);
    CHECK(matnet_recv(client, buf, 8, MSG_WAITALL) == 8 && memcmp(buf, "and back", 8) == 0);
    CHECK(matnet_close(server) == 0);
    CHECK(matnet_read(client, buf, sizeof buf) == 0);
    CHECK(matnet_close(client) == 0 && matnet_close(listener) == 0);
}

/* Merely linked, the library leaves the program's own sockets to the kernel. */
static void own_sockets(void)
{
    struct matnet_stats before = MATNET_STATS_INIT, after = MATNET_STATS_INIT;
    CHECK(matnet_stats(&before) == 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    CHECK(matnet_stats(&after) == 0 && after.sockets == before.sockets);
    CHECK(close(fd) == 0);
}

/* libc's own calls on our sockets, where they are hooked. */
static void libc_calls(const char *port)
{
#ifdef SHARED
    int fd = connected(port);
    char buf[16];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    CHECK(write(fd, "by libc", 7) == 7);
    CHECK(poll(&p, 1, 10000) == 1 && p.revents == POLLIN);
    CHECK(recv(fd, buf, 3, MSG_PEEK) == 3);
    CHECK(read(fd, buf, sizeof buf) == 7 && memcmp(buf, "by libc", 7) == 0);
    CHECK(shutdown(fd, SHUT_WR) == 0);
    CHECK(read(fd, buf, sizeof buf) == 0);
    CHECK(close(fd) == 0);
    FAILS(matnet_send(fd, "x", 1, 0), EBADF);
#else
    matnet_close(connected(port));
#endif
}

static void figures(void)
{
    struct matnet_stats stats = MATNET_STATS_INIT;
    uint64_t frames = 0;
    int fd = matnet_socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(matnet_stats(&stats) == 0 && stats.size == sizeof stats);
    CHECK(stats.sockets == 1);
    CHECK(stats.frames_in > 10 && stats.tcp_in > 10 && stats.tcp_out > 10 && stats.udp_in == 2 && stats.udp_out == 2);
    CHECK(matnet_counter("frames_in", &frames) == 0 && frames >= stats.frames_in);
    FAILS(matnet_counter("no such thing", &frames), ENOENT);
    CHECK(matnet_close(fd) == 0);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    const char *tap = argv[1], *own = argv[2], *echo = argv[4], *udp = argv[5], *sink = argv[6];
    peer_ip.sin_family = AF_INET;
    if (inet_pton(AF_INET, argv[3], &peer_ip.sin_addr) != 1)
        return 2;
    versions();
    initialise(tap);
    bad_calls();
    kernel_descriptors(echo);
    stream(echo, own);
    datagrams(udp);
    with_ourselves("127.0.0.1");
    with_ourselves(own);
    own_sockets();
    libc_calls(echo);
    figures();

    /* Four megabytes to a slow reader, and out. */
    size_t len = 4 << 20;
    char *data = malloc(len);
    if (!data)
        return 2;
    memset(data, 'x', len);
    int fd = connected(sink);
    for (size_t sent = 0; sent < len;) {
        ssize_t n = matnet_send(fd, data + sent, len - sent, MSG_NOSIGNAL);
        CHECK(n > 0);
        if (n <= 0)
            break;
        sent += (size_t)n;
    }
    free(data);
    if (failures == 0)
        printf("every call answered as it should\n");
    return failures == 0 ? 0 : 1;
}
