/* UDP_CORK and MSG_MORE: several sends are one datagram. */
#include "case.h"
#include <netinet/udp.h>

static char data[70000], in[70000];

static void back(const char *what, int fd) {
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 300);
    errno = 0;
    ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
    if (n > 20) printf("%s: %zd bytes, %s\n", what, n, memcmp(in, data, (size_t)n) ? "wrong" : "right");
    else printf("%s: %s '%.*s'\n", what, n < 0 ? strerrorname_np(errno) : "got", n < 0 ? 0 : (int)n, in);
}

static void option(int fd, int name, int value) { TRY("set", setsockopt(fd, SOL_UDP, name, &value, sizeof value)); }

static int connected(void) {
    for (size_t i = 0; i < sizeof data; i++) data[i] = (char)(i * 7 + i / 256);
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    return fd;
}

CASE(udp_msg_more) {
    int fd = udp();
    struct sockaddr_in to = at(peer_ip, ECHO_PORT), closed = at(peer_ip, CLOSED);
    TRY("to nobody", send(fd, "x", 1, MSG_MORE));
    TRY("more", sendto(fd, "one ", 4, MSG_MORE, (void *)&to, sizeof to));
    TRY("more, to nobody", send(fd, "two ", 4, MSG_MORE));
    back("nothing yet", fd);
    TRY("the last, to somebody else", sendto(fd, "three", 5, 0, (void *)&closed, sizeof closed));
    back("one", fd);
    back("no more", fd);
    connect(fd, (void *)&to, sizeof to);
    TRY("more", send(fd, "a", 1, MSG_MORE));
    TRY("nothing", send(fd, "", 0, 0));
    back("that sends it", fd);
}

CASE(udp_cork_option) {
    int fd = connected(), value = -1;
    socklen_t len = sizeof value;
    TRY("UDP_CORK", getsockopt(fd, SOL_UDP, UDP_CORK, &value, &len));
    say("is", "%d", value);
    option(fd, UDP_CORK, 5);
    TRY("UDP_CORK", getsockopt(fd, SOL_UDP, UDP_CORK, &value, &len));
    say("is", "%d", value);
    TRY("corked", send(fd, "b", 1, 0));
    TRY("corked", write(fd, "c", 1));
    struct iovec v[2] = {{"d", 1}, {"e", 1}};
    TRY("corked", writev(fd, v, 2));
    struct mmsghdr m[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = v + 1, .msg_iovlen = 1}}};
    TRY("corked", sendmmsg(fd, m, 2, 0));
    back("nothing yet", fd);
    option(fd, UDP_CORK, 0);
    back("all", fd);
    back("no more", fd);
    option(fd, UDP_CORK, 0);
    back("nothing", fd);
}

CASE(udp_cork_sizes) {
    int fd = connected();
    TRY("much", send(fd, data, 65000, MSG_MORE));
    TRY("too much", send(fd, data, 508, 0));
    TRY("that is lost", send(fd, "next", 4, 0));
    back("only the next", fd);
    TRY("much", send(fd, data, 65000, MSG_MORE));
    TRY("just as much", send(fd, data + 65000, 507, 0));
    back("all", fd);

}

CASE(udp_cork_segments) {
    int fd = connected();
    option(fd, UDP_SEGMENT, 1000);
    TRY("more", send(fd, data, 1500, MSG_MORE));
    option(fd, UDP_SEGMENT, 0);
    TRY("the last", send(fd, data + 1500, 900, 0));
    for (int i = 0; i < 3; i++) {
        struct pollfd p = {fd, POLLIN, 0};
        poll(&p, 1, 300);
        say("length", "%zd", recv(fd, in, sizeof in, MSG_DONTWAIT));
    }
    option(fd, UDP_SEGMENT, 10);
    TRY("too many", send(fd, data, 1200, MSG_MORE));
    TRY("is told at the end", send(fd, data, 81, 0));
    TRY("and lost", send(fd, "f", 1, 0));
    back("only the next", fd);
    TRY("never finished", send(fd, "g", 1, MSG_MORE));
    TRY("close", close(fd));
}
