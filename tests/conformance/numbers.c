/* Numbers: ranges that are closed, copies onto the numbers of streams; raw system calls and fortified forms on sockets. */
#include "case.h"
#include <linux/close_range.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);
int __poll_chk(struct pollfd *, nfds_t, int, size_t);
int __ppoll_chk(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *, size_t);

CASE(numbers_close_range) {
    int a = dial(ECHO_PORT), b = dial(ECHO_PORT), c = dial(ECHO_PORT);
    TRY("the middle one", close_range((unsigned)b, (unsigned)b, 0));
    TRY("closed", fcntl(b, F_GETFD));
    TRY("the first lives", write(a, "x", 1));
    TRY("marked", close_range((unsigned)a, ~0u, CLOSE_RANGE_CLOEXEC));
    say("flags", "%d %d", fcntl(a, F_GETFD), fcntl(c, F_GETFD));
    TRY("and lives", write(c, "y", 1));
    TRY("backwards", close_range(9, 8, 0));
    TRY("bad flags", close_range(100, 200, 64));
    TRY("nothing there", close_range(500, 600, 0));
    TRY("all above", close_range((unsigned)a, ~0u, 0));
    TRY("closed", write(c, "z", 1));
    int again = dial(ECHO_PORT);
    say("the number is free", "%d", again == a);
    char got;
    TRY("and works", write(again, "w", 1));
    TRY("both ways", read(again, &got, 1));
}

CASE(numbers_closefrom) {
    int a = dial(ECHO_PORT), b = dial(ECHO_PORT);
    closefrom(b);
    TRY("above", fcntl(b, F_GETFD));
    TRY("below", write(a, "x", 1));
    closefrom(3);
    TRY("closed", write(a, "x", 1));
    int again = dial(ECHO_PORT);
    char got;
    TRY("the library goes on", write(again, "w", 1));
    TRY("both ways", read(again, &got, 1));
}

CASE(numbers_unshared) {
    int a = dial(ECHO_PORT), b = dial(ECHO_PORT);
    TRY("unshare and close", close_range((unsigned)b, ~0u, CLOSE_RANGE_UNSHARE));
    TRY("closed", fcntl(b, F_GETFD));
    char got;
    TRY("the first lives", write(a, "x", 1));
    TRY("both ways", read(a, &got, 1));
}

CASE(numbers_onto_streams) {
    int fd = dial(ECHO_PORT);
    char got[8] = "";
    close(0);
    TRY("F_DUPFD", fcntl(fd, F_DUPFD, 0));
    TRY("write to the copy", write(0, "abc", 3));
    sleep_until_readable(0);
    TRY("read from the original", read(fd, got, 2));
    ready("one byte is left", 0);
    TRY("dup3 onto itself again", dup3(fd, 0, O_CLOEXEC));
    say("flag", "%d", fcntl(0, F_GETFD));
    TRY("the byte", read(0, got, 8));
    TRY("a file onto it", dup2(open("/dev/null", O_RDWR), 0));
    TRY("end of it", read(0, got, 8));
    TRY("the socket lives", write(fd, "d", 1));
    TRY("both ways", read(fd, got, 1));
    close(0);
    TRY("dup takes the lowest", dup(fd));
    TRY("close", close(0));
    TRY("closed", write(0, "x", 1));
    TRY("the original", write(fd, "e", 1));
}

CASE(numbers_epoll_on_stream) {
    int fd = dial(ECHO_PORT), set = epoll_create1(0), outer = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = 0};
    char got[8];
    dup2(fd, 0);
    TRY("add", epoll_ctl(set, EPOLL_CTL_ADD, 0, &e));
    TRY("nested", epoll_ctl(outer, EPOLL_CTL_ADD, set, &e));
    TRY("nothing yet", epoll_wait(outer, &e, 1, 50));
    write(fd, "abc", 3);
    TRY("something", epoll_wait(outer, &e, 1, 2000));
    TRY("and in the inner", epoll_wait(set, &e, 1, 2000));
    TRY("read", read(0, got, 8));
    TRY("nothing more", epoll_wait(outer, &e, 1, 50));
    write(fd, "d", 1);
    TRY("something", epoll_wait(outer, &e, 1, 2000));
    TRY("by stdio", getchar());
    TRY("nothing more", epoll_wait(outer, &e, 1, 50));
}

CASE(numbers_select_on_stream) {
    int fd = dial(ECHO_PORT);
    dup2(fd, 0);
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(0, &r);
    FD_SET(0, &w);
    struct timeval t = {0, 0};
    TRY("select", select(1, &r, &w, NULL, &t));
    say("sets", "%d %d", FD_ISSET(0, &r), FD_ISSET(0, &w));
    write(fd, "a", 1);
    FD_ZERO(&r);
    FD_SET(0, &r);
    t.tv_sec = 2;
    TRY("select waits", select(1, &r, NULL, NULL, &t));
    TRY("getchar", getchar());
}

CASE(numbers_shutdown_on_stream) {
    int fd = dial(ECHO_PORT);
    dup2(fd, 0);
    write(fd, "last", 4);
    shutdown(fd, SHUT_WR);
    settle();
    ready("both at hand", 0);
    char got[8];
    TRY("fread", fread(got, 1, 8, stdin));
    say("end", "%d", !!feof(stdin));
    ready("after the end", 0);
    TRY("recv", recv(0, got, 1, 0));
}

CASE(syscall_numbers_tcp) {
    int fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = at(peer_ip, ECHO_PORT), got_a;
    socklen_t len = sizeof got_a;
    char b[16] = "", c[16] = "";
    struct iovec v = {b, 4}, w = {c, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1}, n = {.msg_iov = &w, .msg_iovlen = 1};
    TRY("connect", syscall(SYS_connect, fd, &a, sizeof a));
    TRY("getpeername", syscall(SYS_getpeername, fd, &got_a, &len));
    say("peer", "%d", ntohs(got_a.sin_port));
    memcpy(b, "abcd", 4);
    TRY("write", syscall(SYS_write, fd, b, 4L));
    TRY("recvfrom, all", syscall(SYS_recvfrom, fd, c, 4L, MSG_WAITALL, NULL, NULL));
    TRY("sendto", syscall(SYS_sendto, fd, b, 4L, 0, NULL, 0));
    TRY("recvmsg", syscall(SYS_recvmsg, fd, &n, MSG_WAITALL));
    TRY("sendmsg", syscall(SYS_sendmsg, fd, &m, 0));
    sleep_until_readable(fd);
    TRY("readv", syscall(SYS_readv, fd, &w, 1));
    TRY("writev", syscall(SYS_writev, fd, &v, 1));
    sleep_until_readable(fd);
    TRY("ioctl", syscall(SYS_ioctl, fd, FIONREAD, &len));
    say("there", "%d", (int)len);
    TRY("read", syscall(SYS_read, fd, c, 16L));
    int on = 1;
    TRY("setsockopt", syscall(SYS_setsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
    TRY("F_SETFL", syscall(SYS_fcntl, fd, F_SETFL, O_NONBLOCK));
    TRY("recvfrom", syscall(SYS_recvfrom, fd, c, 4L, 0, NULL, NULL));
    int d = (int)syscall(SYS_dup, fd);
    say("dup", "%d", d > fd);
    TRY("dup3", syscall(SYS_dup3, fd, 99, 0));
    TRY("shutdown", syscall(SYS_shutdown, 99, SHUT_WR));
    TRY("close_range", syscall(SYS_close_range, d, 99, 0));
    TRY("write", syscall(SYS_write, 99, b, 1L));
    TRY("close", syscall(SYS_close, fd));
    TRY("close again", syscall(SYS_close, fd));
}

CASE(syscall_numbers_server) {
    int l = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = at(own_ip, 0);
    socklen_t len = sizeof a;
    TRY("bind", syscall(SYS_bind, l, &a, sizeof a));
    TRY("listen", syscall(SYS_listen, l, 5));
    TRY("getsockname", syscall(SYS_getsockname, l, &a, &len));
    int c = tcp();
    TRY("connect", syscall(SYS_connect, c, &a, sizeof a));
    int s = (int)syscall(SYS_accept4, l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    say("accept4", "%d %d %d", s > 0, fcntl(s, F_GETFD), !!(fcntl(s, F_GETFL) & O_NONBLOCK));
    struct mmsghdr m[2] = {0};
    struct iovec v[2] = {{"one", 3}, {"two", 3}};
    for (int i = 0; i < 2; i++) m[i].msg_hdr.msg_iov = &v[i], m[i].msg_hdr.msg_iovlen = 1;
    TRY("sendmmsg", syscall(SYS_sendmmsg, c, m, 2, 0));
    settle();
    char got[8] = "";
    TRY("read", syscall(SYS_read, s, got, 8L));
    say("bytes", "%s", got);
    struct epoll_event e = {.events = EPOLLOUT};
    int set = (int)syscall(SYS_epoll_create1, 0);
    TRY("epoll_ctl", syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, s, &e));
    TRY("epoll_pwait", syscall(SYS_epoll_pwait, set, &e, 1, 0, NULL, 8L));
}

CASE(fortified_forms) {
    int fd = dial(ECHO_PORT);
    char b[8] = "";
    TRY("write", write(fd, "abcdef", 6));
    sleep_until_readable(fd);
    TRY("__read_chk", __read_chk(fd, b, 2, sizeof b));
    TRY("__recv_chk", __recv_chk(fd, b, 2, sizeof b, MSG_PEEK));
    TRY("__recvfrom_chk", __recvfrom_chk(fd, b, 8, sizeof b, 0, NULL, NULL));
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    struct timespec t = {0, 0};
    TRY("__poll_chk", __poll_chk(&p, 1, 0, sizeof p));
    say("ready", "%s", bits(p.revents));
    TRY("__ppoll_chk", __ppoll_chk(&p, 1, &t, NULL, sizeof p));
    signal(SIGABRT, SIG_DFL);
    TRY("__read_chk with nothing there", (nonblocking(fd), __read_chk(fd, b, 1, 1)));
}
