/* Calls in the wrong state, and arguments that make no sense: which errno. */
#include "case.h"

static int pipes;
static void on_pipe(int sig) {
    (void)sig;
    pipes++;
}

CASE(states) {
    signal(SIGPIPE, on_pipe);
    char c;
    int fd = tcp();
    TRY("send unconnected", send(fd, "x", 1, 0));
    say("SIGPIPE", "%d", pipes);
    TRY("write unconnected", write(fd, "x", 1));
    say("SIGPIPE", "%d", pipes);
    TRY("recv unconnected", recv(fd, &c, 1, 0));
    struct sockaddr_in to = at(peer_ip, ECHO_PORT);
    TRY("sendto unconnected", sendto(fd, "x", 1, MSG_NOSIGNAL, (void *)&to, sizeof to));
    TRY("bind", bind_to(fd, own_ip, 4100));
    TRY("bind twice", bind_to(fd, own_ip, 4101));
    int two = tcp();
    TRY("in use", bind_to(two, own_ip, 4100));
    TRY("in use, wildcard", bind_to(two, (struct in_addr){0}, 4100));
    TRY("not ours", bind_to(two, peer_ip, 0));
    struct sockaddr_in bad = at(own_ip, 4102);
    TRY("short", bind(two, (void *)&bad, 12));
    bad.sin_family = AF_UNIX;
    TRY("family", bind(two, (void *)&bad, sizeof bad));
    TRY("listen", listen(fd, 1));
    TRY("connect a listener", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("send on a listener", send(fd, "x", 1, MSG_NOSIGNAL));
    TRY("recv on a listener", recv(fd, &c, 1, 0));
    TRY("bind a listener", bind_to(fd, own_ip, 4103));
    int conn = dial(ECHO_PORT);
    TRY("listen on a connection", listen(conn, 1));
    TRY("bind a connection", bind_to(conn, own_ip, 4104));
    TRY("listen unbound", listen(tcp(), 1));
    int one = 1, r1 = tcp(), r2 = tcp();
    setsockopt(r1, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(r2, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("REUSEADDR", bind_to(r1, own_ip, 4110));
    TRY("REUSEADDR, both bound", bind_to(r2, own_ip, 4110));
    TRY("REUSEADDR, first listens", listen(r1, 1));
    TRY("REUSEADDR, second listens", listen(r2, 1));
    int r3 = tcp();
    setsockopt(r3, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("REUSEADDR, a listener is there", bind_to(r3, own_ip, 4110));
    int p1 = tcp(), p2 = tcp();
    setsockopt(p1, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    setsockopt(p2, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    bind_to(p1, own_ip, 4111);
    TRY("REUSEPORT listens", listen(p1, 1));
    TRY("REUSEPORT beside it", bind_to(p2, own_ip, 4111));
    TRY("REUSEPORT both listen", listen(p2, 1));
    int port, l = listener(&port);
    tell_peer("connect", port, "x");
    int s = accept(l, NULL, NULL);
    close(l);
    int again = tcp();
    TRY("port of a live connection", bind_to(again, (struct in_addr){0}, port));
    setsockopt(again, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    TRY("the same with REUSEADDR", bind_to(again, (struct in_addr){0}, port));
    close(s);

    TRY("socket, bad type", socket(AF_INET, 99, 0));
    TRY("socket, bad flags", socket(AF_INET, SOCK_STREAM | 0x100, 0));
    TRY("socket, UDP of a stream", socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
    TRY("socket, TCP of datagrams", socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
    TRY("socket, bad protocol", socket(AF_INET, SOCK_STREAM, 300));
    TRY("socket, seqpacket", socket(AF_INET, SOCK_SEQPACKET, 0));
    TRY("socket, bad family", socket(77, SOCK_STREAM, 0));
    OK("socket, IPPROTO_TCP", socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
    int pair[2];
    TRY("socketpair", socketpair(AF_INET, SOCK_STREAM, 0, pair));

    TRY("lseek", lseek(conn, 0, SEEK_SET));
    TRY("pread", pread(conn, &c, 1, 0));
    TRY("pwrite", pwrite(conn, "x", 1, 0));
    TRY("fsync", fsync(conn));
    TRY("ftruncate", ftruncate(conn, 0));
    close(conn);
    TRY("send closed", send(conn, "x", 1, 0));
    TRY("recv closed", recv(conn, &c, 1, 0));
    TRY("close closed", close(conn));
    TRY("send on a file", send(0 + open("/dev/null", O_RDWR), "x", 1, 0));
}
