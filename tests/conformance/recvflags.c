/* Flags of recv(2) and send(2) on streams, and FIONREAD. */
#include "case.h"
#include <linux/sockios.h>

static void inq(const char *what, int fd) {
    int n = -1, r = ioctl(fd, FIONREAD, &n);
    if (r < 0) say(what, "%s", strerrorname_np(errno));
    else say(what, "FIONREAD %d", n);
}

static char buf[64];

CASE(recv_empty) {
    int fd = dial(ECHO_PORT);
    TRY("DONTWAIT on nothing", recv(fd, buf, 8, MSG_DONTWAIT));
    TRY("DONTWAIT, no room", recv(fd, buf, 0, MSG_DONTWAIT));
    TRY("DONTWAIT, WAITALL", recv(fd, buf, 8, MSG_DONTWAIT | MSG_WAITALL));
    TRY("DONTWAIT, PEEK", recv(fd, buf, 8, MSG_DONTWAIT | MSG_PEEK));
    TRY("DONTWAIT, TRUNC", recv(fd, buf, 8, MSG_DONTWAIT | MSG_TRUNC));
    inq("nothing", fd);
    nonblocking(fd);
    TRY("O_NONBLOCK", recv(fd, buf, 8, 0));
    TRY("O_NONBLOCK, WAITALL", recv(fd, buf, 8, MSG_WAITALL));
    TRY("out of band", recv(fd, buf, 1, MSG_OOB));
    TRY("error queue", recv(fd, buf, 1, MSG_ERRQUEUE));
}

CASE(recv_peek) {
    int fd = dial(ECHO_PORT);
    TRY("send", send(fd, "0123456789", 10, 0));
    sleep_until_readable(fd);
    inq("ten", fd);
    TRY("peek 4", recv(fd, buf, 4, MSG_PEEK));
    say("peeked", "%.4s", buf);
    TRY("peek 20", recv(fd, buf, 20, MSG_PEEK));
    say("peeked", "%.10s", buf);
    TRY("recv 3", recv(fd, buf, 3, 0));
    say("got", "%.3s", buf);
    inq("seven", fd);
    TRY("recv nothing", recv(fd, buf, 0, 0));
    TRY("read nothing", read(fd, buf, 0));
    TRY("the rest", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
    say("got", "%.7s", buf);
}

CASE(recv_trunc) {
    int fd = dial(ECHO_PORT);
    send(fd, "0123456789", 10, 0);
    sleep_until_readable(fd);
    memset(buf, '-', 10);
    TRY("TRUNC drops 2", recv(fd, buf, 2, MSG_TRUNC));
    say("untouched", "%.4s", buf);
    TRY("TRUNC without a buffer", recv(fd, NULL, 3, MSG_TRUNC));
    inq("left", fd);
    TRY("TRUNC and PEEK", recv(fd, buf, 3, MSG_TRUNC | MSG_PEEK));
    inq("left", fd);
    TRY("the rest", recv(fd, buf, sizeof buf, 0));
    say("got", "%.5s", buf);
}

CASE(recv_waitall) {
    int fd = dial(PIECES);
    TRY("over two pieces", recv(fd, buf, 10, MSG_WAITALL));
    say("got", "%.10s", buf);
    close(fd);
    fd = dial(PIECES);
    sleep_until_readable(fd);
    TRY("not with DONTWAIT", recv(fd, buf, 10, MSG_WAITALL | MSG_DONTWAIT));
    TRY("PEEK with WAITALL", recv(fd, buf, 5, MSG_PEEK | MSG_WAITALL));
    say("peeked", "%.5s", buf);
    close(fd);
    fd = dial(HELLO);
    TRY("up to the end", recv(fd, buf, 20, MSG_WAITALL));
    inq("at the end", fd);
}

CASE(recv_end) {
    int fd = dial(HELLO);
    TRY("read", recv(fd, buf, 20, MSG_WAITALL));
    TRY("end", recv(fd, buf, 1, 0));
    TRY("end, peeked", recv(fd, buf, 1, MSG_PEEK));
    TRY("end, again", recv(fd, buf, 1, MSG_DONTWAIT));
    TRY("end, WAITALL", recv(fd, buf, 9, MSG_WAITALL));
    TRY("end, out of band", recv(fd, buf, 1, MSG_OOB));
    TRY("end, read", read(fd, buf, 9));
}

CASE(send_more) {
    int fd = dial(ECHO_PORT), n = -1;
    TRY("MORE", send(fd, "ab", 2, MSG_MORE));
    TRY("and the end", send(fd, "cd", 2, 0));
    TRY("WAITALL 4", recv(fd, buf, 4, MSG_WAITALL));
    say("got", "%.4s", buf);
    settle();
    TRY("SIOCOUTQ", ioctl(fd, SIOCOUTQ, &n));
    say("unacknowledged", "%d", n);
    TRY("MORE alone", send(fd, "ef", 2, MSG_MORE));
    sleep_until_readable(fd);
    TRY("comes in the end", recv(fd, buf, 2, MSG_WAITALL));
}

CASE(send_nothing) {
    int fd = dial(ECHO_PORT);
    TRY("send", send(fd, "", 0, 0));
    TRY("write", write(fd, "", 0));
    TRY("send, no buffer", send(fd, NULL, 0, 0));
    TRY("unknown flags", send(fd, "x", 1, 0x40000000 & ~MSG_CMSG_CLOEXEC));
    TRY("DONTROUTE", send(fd, "x", 1, MSG_DONTROUTE));
    TRY("CONFIRM", send(fd, "x", 1, MSG_CONFIRM));
    TRY("EOR", send(fd, "x", 1, MSG_EOR));
    TRY("all arrive", recv(fd, buf, 4, MSG_WAITALL));
}

CASE(stream_addresses) {
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    int fd = dial(HELLO);
    TRY("recvfrom", recvfrom(fd, buf, 5, 0, (void *)&a, &len));
    say("its address length", "%u", len);
    a = at(own_ip, 9);
    fd = dial(ECHO_PORT);
    TRY("sendto goes to the peer", sendto(fd, "x", 1, 0, (void *)&a, sizeof a));
    TRY("and comes back", recv(fd, buf, 1, 0));
    TRY("sendto, short address", sendto(fd, "x", 1, 0, (void *)&a, 3));
    TRY("sendto, negative length", sendto(fd, "x", 1, 0, (void *)&a, (socklen_t)-1));
}

CASE(inq_of_others) {
    int port, l = listener(&port), on = 1;
    inq("listener", l);
    inq("fresh socket", tcp());
    int s = tcp(), n = -1;
    TRY("FIONBIO", ioctl(s, FIONBIO, &on));
    say("is O_NONBLOCK", "%d", !!(fcntl(s, F_GETFL) & O_NONBLOCK));
    TRY("recv on a fresh socket", recv(s, buf, 1, 0));
    TRY("unknown ioctl", ioctl(s, 0x12345, &n));
    TRY("SIOCOUTQ of a fresh one", ioctl(s, SIOCOUTQ, &n));
    TRY("SIOCOUTQ of a listener", ioctl(l, SIOCOUTQ, &n));
}
