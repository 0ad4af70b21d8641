/* Flags of recv(2) and send(2) on streams, and FIONREAD. */
#include "case.h"
#include <linux/sockios.h>

static void inq(const char *what, int fd) {
    int n = -1, r = ioctl(fd, FIONREAD, &n);
    if (r < 0) say(what, "%s", strerrorname_np(errno));
    else say(what, "FIONREAD %d", n);
}

CASE(recvflags) {
    char buf[64] = "";
    int fd = dial(ECHO_PORT);
    TRY("DONTWAIT on nothing", recv(fd, buf, 8, MSG_DONTWAIT));
    inq("nothing", fd);
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
    TRY("TRUNC drops 2", recv(fd, buf, 2, MSG_TRUNC));
    TRY("recv nothing", recv(fd, buf, 0, 0));
    TRY("read nothing", read(fd, buf, 0));
    TRY("the rest", recv(fd, buf, sizeof buf, MSG_DONTWAIT));
    say("got", "%.5s", buf);
    TRY("empty again", recv(fd, buf, 1, MSG_DONTWAIT | MSG_PEEK));
    TRY("out of band", recv(fd, buf, 1, MSG_OOB));
    TRY("error queue", recv(fd, buf, 1, MSG_ERRQUEUE));
    TRY("send nothing", send(fd, "", 0, 0));
    TRY("write nothing", write(fd, "", 0));
    int mark = -1;
    TRY("SIOCATMARK", ioctl(fd, SIOCATMARK, &mark));
    say("mark", "%d", mark);
    TRY("MORE", send(fd, "ab", 2, MSG_MORE));
    TRY("and the end", send(fd, "cd", 2, 0));
    TRY("WAITALL 4", recv(fd, buf, 4, MSG_WAITALL));
    say("got", "%.4s", buf);
    settle();
    int n = -1;
    TRY("SIOCOUTQ", ioctl(fd, SIOCOUTQ, &n));
    say("unacknowledged", "%d", n);
    TRY("unknown ioctl", ioctl(fd, 0x12345, &n));
    TRY("isatty", isatty(fd) ? 1 : -1);
    close(fd);

    fd = dial(PIECES);
    TRY("WAITALL over two pieces", recv(fd, buf, 10, MSG_WAITALL));
    say("got", "%.10s", buf);
    close(fd);
    fd = dial(PIECES);
    sleep_until_readable(fd);
    TRY("WAITALL does not wait with DONTWAIT", recv(fd, buf, 10, MSG_WAITALL | MSG_DONTWAIT));
    TRY("PEEK with WAITALL", recv(fd, buf, 5, MSG_PEEK | MSG_WAITALL));
    say("peeked", "%.5s", buf);
    close(fd);
    fd = dial(HELLO);
    TRY("WAITALL up to the end", recv(fd, buf, 20, MSG_WAITALL));
    inq("at the end", fd);
    TRY("end", recv(fd, buf, 1, 0));
    TRY("end, peeked", recv(fd, buf, 1, MSG_PEEK));
    TRY("end, again", recv(fd, buf, 1, MSG_DONTWAIT));
    close(fd);
    int port, l = listener(&port);
    inq("listener", l);
    inq("fresh socket", tcp());
    int s = tcp(), on = 1;
    TRY("FIONBIO", ioctl(s, FIONBIO, &on));
    say("is O_NONBLOCK", "%d", !!(fcntl(s, F_GETFL) & O_NONBLOCK));
    TRY("recv on a fresh socket", recv(s, buf, 1, 0));
    TRY("send with unknown flags", send(dial(ECHO_PORT), "x", 1, 0x40000000 & ~MSG_CMSG_CLOEXEC));
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    fd = dial(HELLO);
    TRY("recvfrom on a stream", recvfrom(fd, buf, 5, 0, (void *)&a, &len));
    say("its address length", "%u", len);
    a = at(own_ip, 9);
    TRY("sendto on a stream", sendto(dial(ECHO_PORT), "x", 1, 0, (void *)&a, sizeof a));
}
