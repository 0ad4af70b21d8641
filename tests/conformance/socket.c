/* socket(2), socketpair(2): families, types, protocols, flags. */
#include "case.h"

CASE(socket_bad) {
    TRY("bad type", socket(AF_INET, 99, 0));
    TRY("type 0", socket(AF_INET, 0, 0));
    TRY("bad flags", socket(AF_INET, SOCK_STREAM | 0x100, 0));
    TRY("UDP of a stream", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    TRY("TCP of datagrams", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    TRY("bad protocol", socket(AF_INET, SOCK_STREAM, 300));
    TRY("negative protocol", socket(AF_INET, SOCK_STREAM, -1));
    TRY("unused protocol", socket(AF_INET, SOCK_DGRAM, 200));
    TRY("seqpacket", socket(AF_INET, SOCK_SEQPACKET, 0));
    TRY("rdm", socket(AF_INET, SOCK_RDM, 0));
    TRY("bad family", socket(77, SOCK_STREAM, 0));
    TRY("negative family", socket(-1, SOCK_STREAM, 0));
    TRY("v6, bad type", socket(AF_INET6, 99, 0));
    TRY("v6, TCP of datagrams", socket(AF_INET6, SOCK_DGRAM, IPPROTO_TCP));
}

CASE(socket_flags) {
    const struct {
        const char *what;
        int type;
    } list[] = {{"plain", SOCK_STREAM},
                {"NONBLOCK", SOCK_STREAM | SOCK_NONBLOCK},
                {"CLOEXEC", SOCK_STREAM | SOCK_CLOEXEC},
                {"both, datagram", SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC}};
    for (int i = 0; i < 4; i++) {
        int fd = socket(AF_INET, list[i].type, 0);
        say(list[i].what, "%s %d, accmode %d", fcntl(fd, F_GETFL) & O_NONBLOCK ? "nonblock" : "blocks", fcntl(fd, F_GETFD),
            (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR);
    }
}

CASE(socket_protocols) {
    OK("IPPROTO_TCP", socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    OK("IPPROTO_UDP", socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP));
    OK("v6 IPPROTO_TCP", socket(AF_INET6, SOCK_STREAM, IPPROTO_TCP));
    OK("v6 IPPROTO_UDP", socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
    int fd = socket(AF_INET, SOCK_DGRAM, 0), n = 0;
    socklen_t len = sizeof n;
    getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &n, &len);
    say("SO_PROTOCOL", "%d", n);
    getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &n, &len);
    say("SO_DOMAIN", "%d", n);
    getsockopt(fd, SOL_SOCKET, SO_TYPE, &n, &len);
    say("SO_TYPE", "%d", n);
}

CASE(socket_lowest_number) {
    int a = tcp(), b = udp();
    say("next", "%d", b - a);
    close(a);
    int c = socket(AF_INET6, SOCK_STREAM, 0);
    say("the lowest free one again", "%d", c == a);
    int p[2];
    if (pipe(p) == 0) say("a pipe after it", "%d %d", p[0] - b, p[1] - b);
}

CASE(socketpair_inet) {
    int pair[2];
    TRY("AF_INET stream", socketpair(AF_INET, SOCK_STREAM, 0, pair));
    TRY("AF_INET datagram", socketpair(AF_INET, SOCK_DGRAM, 0, pair));
    TRY("AF_INET6", socketpair(AF_INET6, SOCK_STREAM, 0, pair));
    TRY("AF_UNIX", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
}

CASE(socket_too_many) {
    int n = 0, last = -1, fd;
    while (n < 5000 && (fd = tcp()) >= 0) {
        last = fd;
        n++;
    }
    say("then", "%s", strerrorname_np(errno));
    say("the last number", "%d", last);
    TRY("a file fares no better", open("/dev/null", O_RDONLY));
    close(last);
    OK("one given back", udp());
    TRY("and taken", udp());
}
