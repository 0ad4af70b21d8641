/* Pointers that lead nowhere, in every call that takes one: EFAULT, and what the call has done before it found out. */
#include "case.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/mman.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/wait.h>

static char *hole, *none, *readonly, *beyond, *edge;

/* Memory far from where the system puts what is mapped without an address: what is unmapped there stays unmapped. */
static char *apart(size_t n) {
    static char *next = (char *)0x200000000000;
    char *p = mmap(next, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    next += n + (1 << 20);
    return p;
}

/* An unmapped page, a PROT_NONE page, a read-only page, a file's page behind its end, and 100 good bytes before an unmapped page. */
static void pages(void) {
    hole = apart(3 * 4096);
    munmap(hole, 4096);
    none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    readonly = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *f = tmpfile();
    fputc('x', f);
    fflush(f);
    beyond = (char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0) + 4096;
    char *two = apart(8192);
    munmap(two + 4096, 4096);
    edge = two + 4096 - 100;
}

#define EACH(p)                                                                                                        \
    for (struct { int i; char *p; const char *name; } b = {0, NULL, "null"}; b.i < 7;                                  \
         b.i++, b.p = (char *[]){NULL, (char *)1, hole, none, beyond, (char *)-4096L, (char *)0x4141414141414141}[b.i % 7], b.name = (const char *[]){"null", "one", "unmapped", "PROT_NONE", "behind a file", "the kernel's", "not canonical"}[b.i % 7])

static char good[4096];

CASE(efault_send_stream) {
    pages();
    int fd = dial(ECHO_PORT);
    EACH(p) {
        TRY(b.name, send(fd, b.p, 10, 0));
        TRY("write", write(fd, b.p, 10));
        TRY("nothing", send(fd, b.p, 0, 0));
    }
    TRY("over the edge", send(fd, edge, 200, 0));
    TRY("up to the edge", send(fd, edge, 100, 0));
    TRY("read-only is fine", send(fd, readonly, 10, 0));
    char back[110];
    TRY("only what was good came back", read_all(fd, back, sizeof back));
}

CASE(efault_send_stream_nonblock) {
    pages();
    int fd = dial(ECHO_PORT);
    nonblocking(fd);
    EACH(p) TRY(b.name, send(fd, b.p, 10, 0));
    int fresh = tcp();
    TRY("not connected", send(fresh, hole, 10, MSG_NOSIGNAL));
    shutdown(fd, SHUT_WR);
    TRY("shut", send(fd, hole, 10, MSG_NOSIGNAL));
}

CASE(efault_receive_stream) {
    pages();
    int fd = dial(HELLO);
    settle();
    EACH(p) {
        TRY(b.name, recv(fd, b.p, 3, 0));
        TRY("read", read(fd, b.p, 3));
        TRY("peek", recv(fd, b.p, 3, MSG_PEEK));
    }
    TRY("read-only", recv(fd, readonly, 3, 0));
    TRY("discard needs no pointer", recv(fd, hole, 1, MSG_TRUNC));
    TRY("before the edge, with more room than there is", recv(fd, edge + 97, 50, 0));
    TRY("the rest is there", recv(fd, edge, 50, 0));
    say("bytes", "%.4s", edge);
    TRY("the end", recv(fd, hole, 50, 0));
}

CASE(efault_receive_stream_empty) {
    pages();
    int fd = dial(ECHO_PORT);
    nonblocking(fd);
    EACH(p) TRY(b.name, recv(fd, b.p, 10, 0));
    struct timeval t = {0, 50000};
    fcntl(fd, F_SETFL, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    TRY("waits first", recv(fd, hole, 10, 0));
}

CASE(efault_vectors_stream) {
    pages();
    int fd = dial(ECHO_PORT);
    struct iovec v[3] = {{good, 10}, {hole, 10}, {good, 10}};
    TRY("writev", writev(fd, v, 3));
    TRY("the array is bad", writev(fd, (void *)hole, 2));
    struct iovec *volatile nowhere = NULL;
    TRY("the array at null", writev(fd, nowhere, 1));
    TRY("no entries", writev(fd, NULL, 0));
    v[1].iov_len = 0;
    TRY("an empty bad one", writev(fd, v, 3));
    settle();
    v[1].iov_len = 10;
    TRY("readv", readv(fd, v, 3));
    TRY("readv of a bad array", readv(fd, (void *)none, 2));
    v[1].iov_base = good + 100;
    TRY("nothing was taken", readv(fd, v, 3));
}

CASE(efault_large_stream) {
    pages();
    int fd = dial(DISCARD);
    size_t n = 1 << 20;
    char *p = apart(n);
    munmap(p + 8192, n - 8192);
    TRY("two good pages of many", send(fd, p, n, 0));
    char *q = apart(n);
    TRY("all good", send(fd, q, n, 0));
    munmap(q + n - 4096, 4096);
    ssize_t sent = send(fd, q, n, 0);
    say("the last page bad", "some %d, all %d", sent > 0, sent == (ssize_t)n);
}

CASE(efault_datagram) {
    pages();
    int fd = udp();
    TRY("not connected", send(fd, hole, 10, 0));
    connect_to(fd, peer_ip, ECHO_PORT);
    EACH(p) TRY(b.name, send(fd, b.p, 10, 0));
    TRY("over the edge", send(fd, edge, 101, 0));
    TRY("too long", send(fd, hole, 65536, 0));
    TRY("good", send(fd, edge, 100, 0));
    sleep_until_readable(fd);
    TRY("peek", recv(fd, hole, 10, MSG_PEEK));
    TRY("into nowhere", recv(fd, hole, 10, 0));
    TRY("it is lost", recv(fd, good, 10, MSG_DONTWAIT));
    TRY("nothing there", recv(fd, hole, 10, MSG_DONTWAIT));
    send(fd, good, 20, 0);
    sleep_until_readable(fd);
    TRY("short enough for the edge", recv(fd, edge + 80, 100, 0));
    send(fd, good, 0, 0);
    sleep_until_readable(fd);
    TRY("an empty one", recv(fd, hole, 100, 0));
}

CASE(efault_datagram_cork) {
    pages();
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("first", send(fd, good, 10, MSG_MORE));
    TRY("bad", send(fd, hole, 10, MSG_MORE));
    TRY("last", send(fd, good, 5, 0));
    sleep_until_readable(fd);
    TRY("echo", recv(fd, good, 100, 0));
}

CASE(efault_addresses) {
    pages();
    int fd = udp();
    EACH(p) {
        say("pointer", "%s", b.name);
        TRY("sendto", sendto(fd, good, 3, 0, (void *)b.p, 16));
        TRY("bind", bind(udp(), (void *)b.p, 16));
        TRY("connect", connect(udp(), (void *)b.p, 16));
        TRY("connect a stream", connect(tcp(), (void *)b.p, 16));
    }
    TRY("bind, length 0", bind(udp(), NULL, 0));
    TRY("bind, too long", bind(udp(), (void *)hole, 4096));
}

CASE(efault_names) {
    pages();
    int fd = dial(ECHO_PORT);
    struct sockaddr_in a;
    socklen_t len = sizeof a, zero = 0, negative = (socklen_t)-1;
    EACH(p) {
        say("pointer", "%s", b.name);
        len = sizeof a;
        TRY("getsockname", getsockname(fd, (void *)b.p, &len));
        TRY("getpeername", getpeername(fd, (void *)b.p, &len));
        TRY("getsockname's length", getsockname(fd, (void *)&a, (void *)b.p));
        TRY("getpeername's length", getpeername(fd, (void *)&a, (void *)b.p));
        zero = 0;
        TRY("no room", getsockname(fd, (void *)b.p, &zero));
    }
    TRY("negative", getsockname(fd, (void *)&a, &negative));
    len = sizeof a;
    TRY("read-only", getsockname(fd, (void *)readonly, &len));
}

CASE(efault_recvfrom) {
    pages();
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    socklen_t len = 16;
    struct sockaddr_in a;
    for (int i = 0; i < 4; i++) send(fd, good, 10, 0);
    settle();
    TRY("address", recvfrom(fd, good, 10, 0, (void *)hole, &len));
    TRY("length", recvfrom(fd, good, 10, 0, (void *)&a, (void *)hole));
    len = (socklen_t)-1;
    TRY("negative", recvfrom(fd, good, 10, 0, (void *)&a, &len));
    TRY("one is left", recvfrom(fd, good, 10, MSG_DONTWAIT, NULL, (void *)hole));
    TRY("none is", recvfrom(fd, good, 10, MSG_DONTWAIT, NULL, NULL));
}

CASE(efault_accept) {
    pages();
    int port, l = listener(&port);
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    for (int i = 0; i < 3; i++) {
        int t = tell_peer("connect", port, "x");
        sleep_until_readable(l);
        if (i == 0) TRY("address", accept(l, (void *)hole, &len));
        if (i == 1) TRY("length", accept(l, (void *)&a, (void *)none));
        if (i == 2) OK("neither", accept(l, NULL, (void *)none));
        close(t);
    }
    nonblocking(l);
    TRY("nobody", accept(l, (void *)hole, &len));
}

CASE(efault_options) {
    pages();
    int fd = tcp(), v = 0;
    socklen_t len = 4;
    EACH(p) {
        say("pointer", "%s", b.name);
        TRY("set", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, b.p, 4));
        TRY("set TCP", setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, b.p, 4));
        TRY("set IP", setsockopt(fd, IPPROTO_IP, IP_TTL, b.p, 4));
        len = 4;
        TRY("get", getsockopt(fd, SOL_SOCKET, SO_RCVBUF, b.p, &len));
        TRY("get TCP", getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, b.p, &len));
        TRY("length", getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &v, (void *)b.p));
    }
    TRY("short", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, hole, 3));
    TRY("length beyond the page", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, edge + 96, 400));
    TRY("negative", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &v, (socklen_t)-1));
    TRY("unknown", setsockopt(fd, SOL_SOCKET, 9999, hole, 4));
    len = 4;
    TRY("get unknown", getsockopt(fd, SOL_SOCKET, 9999, hole, &len));
}

CASE(efault_headers) {
    pages();
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    EACH(p) {
        say("pointer", "%s", b.name);
        TRY("sendmsg", sendmsg(fd, (void *)b.p, 0));
        TRY("recvmsg", recvmsg(fd, (void *)b.p, MSG_DONTWAIT));
        TRY("sendmmsg", sendmmsg(fd, (void *)b.p, 1, 0));
        struct iovec v = {good, 10};
        struct msghdr m = {.msg_name = b.p, .msg_namelen = 16, .msg_iov = &v, .msg_iovlen = 1};
        TRY("name", b.p ? sendmsg(fd, &m, 0) : 0);
        m = (struct msghdr){.msg_iov = (void *)b.p, .msg_iovlen = 1};
        TRY("vectors", sendmsg(fd, &m, 0));
        m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = b.p, .msg_controllen = 32};
        TRY("control", sendmsg(fd, &m, 0));
    }
    TRY("no messages", sendmmsg(fd, NULL, 0, 0));
}

CASE(efault_headers_received) {
    pages();
    int fd = udp(), one = 1;
    connect_to(fd, peer_ip, ECHO_PORT);
    setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &one, sizeof one);
    for (int i = 0; i < 3; i++) send(fd, good, 10, 0);
    settle();
    struct iovec v = {good, 100};
    struct msghdr m = {.msg_name = hole, .msg_namelen = 16, .msg_iov = &v, .msg_iovlen = 1};
    TRY("name", recvmsg(fd, &m, 0));
    m = (struct msghdr){.msg_iov = &v, .msg_iovlen = 1, .msg_control = hole, .msg_controllen = 64};
    TRY("control", recvmsg(fd, &m, 0));
    say("left", "%zu %#x", (size_t)m.msg_controllen, m.msg_flags);
    m = (struct msghdr){.msg_iov = (void *)hole, .msg_iovlen = 1};
    TRY("vectors", recvmsg(fd, &m, 0));
    TRY("one is left", recv(fd, good, 100, MSG_DONTWAIT));
    TRY("time", recvmmsg(fd, (struct mmsghdr[1]){{.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}}}, 1, MSG_DONTWAIT, (void *)hole));
}

CASE(efault_poll) {
    pages();
    int fd = udp();
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    EACH(p) TRY(b.name, poll((void *)b.p, 1, 0));
    TRY("none", poll((void *)hole, 0, 0));
    memcpy(edge + 92, &p, sizeof p);
    TRY("one before the edge", poll((void *)(edge + 92), 1, 0));
    TRY("one behind it", poll((void *)(edge + 92), 2, 0));
    TRY("mask", ppoll(&p, 1, NULL, (void *)hole));
}

CASE(efault_select) {
    pages();
    int fd = udp();
    fd_set w;
    FD_ZERO(&w);
    FD_SET(fd, &w);
    EACH(p) {
        if (!b.p) continue;
        TRY(b.name, select(fd + 1, (void *)b.p, &w, NULL, NULL));
    }
    TRY("still there", select(fd + 1, NULL, &w, NULL, NULL));
}

CASE(efault_epoll) {
    pages();
    int fd = udp(), set = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLOUT, .data.u32 = 7};
    EACH(p) {
        say("pointer", "%s", b.name);
        TRY("add", epoll_ctl(set, EPOLL_CTL_ADD, fd, (void *)b.p));
    }
    TRY("add", epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
    TRY("modify", epoll_ctl(set, EPOLL_CTL_MOD, fd, (void *)hole));
    EACH(p) TRY(b.name, epoll_wait(set, (void *)b.p, 1, 0));
    TRY("good", epoll_wait(set, &e, 1, 0));
    say("data", "%u", e.data.u32);
    int idle = tcp();
    (void)idle;
    e.events = EPOLLIN;
    TRY("not ready", epoll_ctl(set, EPOLL_CTL_MOD, fd, &e));
    TRY("nothing to tell", epoll_wait(set, (void *)hole, 1, 0));
    TRY("delete", epoll_ctl(set, EPOLL_CTL_DEL, fd, (void *)hole));
}

CASE(efault_ioctl) {
    pages();
    int fd = dial(HELLO);
    settle();
    EACH(p) {
        say("pointer", "%s", b.name);
        TRY("FIONREAD", ioctl(fd, FIONREAD, b.p));
        TRY("FIONBIO", ioctl(fd, FIONBIO, b.p));
        TRY("FIOASYNC", ioctl(fd, FIOASYNC, b.p));
        TRY("SIOCSPGRP", ioctl(fd, SIOCSPGRP, b.p));
        TRY("SIOCGPGRP", ioctl(fd, SIOCGPGRP, b.p));
        TRY("SIOCATMARK", ioctl(fd, SIOCATMARK, b.p));
        TRY("F_SETOWN_EX", fcntl(fd, F_SETOWN_EX, b.p));
        TRY("F_GETOWN_EX", fcntl(fd, F_GETOWN_EX, b.p));
    }
}

/* Requests that the library would like to read, answers that it would like to write. */
CASE(efault_netlink) {
    pages();
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } ask = {{sizeof ask, RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, {AF_UNSPEC}};
    EACH(p) {
        say("pointer", "%s", b.name);
        TRY("send", send(fd, b.p, 20, 0));
        TRY("sendto", sendto(fd, &ask, sizeof ask, 0, (void *)b.p, sizeof(struct sockaddr_nl)) > 0 ? 0 : -1);
        TRY("sendmsg", sendmsg(fd, (void *)b.p, 0));
        struct msghdr m = {.msg_iov = (void *)b.p, .msg_iovlen = 1};
        TRY("sendmsg, vector", sendmsg(fd, &m, 0));
        while (recv(fd, good, sizeof good, MSG_DONTWAIT) > 0) {}
        if (send(fd, &ask, sizeof ask, 0) < 0) return;
        TRY("recv", recv(fd, b.p, 4096, 0));
        while (recv(fd, good, sizeof good, MSG_DONTWAIT) > 0) {}
        if (send(fd, &ask, sizeof ask, 0) < 0) return;
        TRY("recvmsg", recvmsg(fd, (void *)b.p, 0));
        while (recv(fd, good, sizeof good, MSG_DONTWAIT) > 0) {}
    }
}

CASE(efault_sendfile) {
    pages();
    int fd = dial(ECHO_PORT);
    FILE *f = tmpfile();
    fputs("hello", f);
    fflush(f);
    rewind(f);
    TRY("offset", sendfile(fd, fileno(f), (void *)hole, 5));
    TRY("none", sendfile(fd, fileno(f), NULL, 5));
}

/* A handler of the program's own sees its own faults and none of the library's. */
static volatile sig_atomic_t seen;
static sigjmp_buf back;
static void own_handler(int s) {
    (void)s;
    seen++;
    siglongjmp(back, 1);
}

CASE(efault_own_handler) {
    pages();
    int fd = udp();
    struct sigaction old;
    sigaction(SIGSEGV, NULL, &old);
    say("before", "default %d flags %#x", old.sa_handler == SIG_DFL, old.sa_flags);
    signal(SIGSEGV, own_handler);
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("send", send(fd, hole, 10, 0));
    say("seen", "%d", seen);
    if (!sigsetjmp(back, 1)) *(volatile char *)hole = 1;
    say("own fault", "%d", seen);
    TRY("send", send(fd, hole, 10, 0));
    signal(SIGSEGV, SIG_DFL);
    TRY("send without it", send(fd, hole, 10, 0));
    say("in the end", "%d", seen);
}

static void child(const char *what, int how) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        if (how == 1) signal(SIGSEGV, SIG_IGN);
        if (how < 2) *(volatile char *)hole = 1;
        if (how == 2) raise(SIGSEGV);
        if (how == 3) signal(SIGSEGV, SIG_IGN), raise(SIGSEGV);
        if (how == 4) *(volatile char *)beyond = 1;
        _exit(7);
    }
    int status;
    waitpid(pid, &status, 0);
    say(what, "signal %d exit %d", WIFSIGNALED(status) ? WTERMSIG(status) : 0, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

CASE(efault_faults_still_end_a_program) {
    pages();
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("send", send(fd, hole, 10, 0));
    child("a fault", 0);
    child("ignored", 1);
    child("sent", 2);
    child("sent and ignored", 3);
    child("behind a file", 4);
}
