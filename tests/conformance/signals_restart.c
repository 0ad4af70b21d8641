/* signal(7), which calls restart: each blocking call with and without SA_RESTART and time-outs; partial transfers; masks that open
 * only while waiting; handlers that use the socket that their thread waits on, jump away, or end the thread. */
#include "case.h"
#include <setjmp.h>
#include <sys/sendfile.h>

static volatile sig_atomic_t ran;
static void nothing(int sig) { (void)sig, ran++; }

static void alarm_in(int ms, void (*handler)(int), int flags) {
    struct sigaction sa = {.sa_handler = handler, .sa_flags = flags};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval it = {{0, 0}, {0, ms * 1000}};
    ran = 0;
    setitimer(ITIMER_REAL, &it, NULL);
}

static void limit(int fd, int which, int ms) {
    struct timeval tv = {ms / 1000, ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, which, &tv, sizeof tv);
}

#define SIGNALLED(what, restart, call)                                                                                 \
    do {                                                                                                               \
        alarm_in(100, nothing, restart ? SA_RESTART : 0);                                                              \
        TRY(what, call);                                                                                               \
        say(what, "handler ran %d", (int)ran);                                                                         \
    } while (0)

static struct in_addr nobody(void) { return (struct in_addr){htonl((ntohl(peer_ip.s_addr) & ~255u) | 77)}; }

static char buf[1 << 20];
static struct iovec vec = {buf, 16};

CASE(signals_recv_family) {
    struct msghdr m = {.msg_iov = &vec, .msg_iovlen = 1};
    struct mmsghdr mm[2] = {{.msg_hdr = {.msg_iov = &vec, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &vec, .msg_iovlen = 1}}};
    int fd = dial(ECHO_PORT);
    SIGNALLED("recv", 0, recv(fd, buf, 4, 0));
    SIGNALLED("recvfrom", 0, recvfrom(fd, buf, 4, 0, NULL, NULL));
    SIGNALLED("recvmsg", 0, recvmsg(fd, &m, 0));
    SIGNALLED("recvmmsg", 0, recvmmsg(fd, mm, 2, 0, NULL));
    SIGNALLED("readv", 0, readv(fd, &vec, 1));
    SIGNALLED("peek", 0, recv(fd, buf, 4, MSG_PEEK));
}

CASE(signals_recv_restarts) {
    struct msghdr m = {.msg_iov = &vec, .msg_iovlen = 1};
    int fd = dial(LATE);
    SIGNALLED("recv", 1, recv(fd, buf, 4, 0));
    fd = dial(LATE);
    SIGNALLED("recvmsg", 1, recvmsg(fd, &m, 0));
    fd = dial(LATE);
    SIGNALLED("readv", 1, readv(fd, &vec, 1));
    fd = dial(LATE);
    SIGNALLED("peek", 1, recv(fd, buf, 4, MSG_PEEK));
}

CASE(signals_recv_with_time_out) {
    int fd = dial(ECHO_PORT);
    limit(fd, SO_RCVTIMEO, 1500);
    SIGNALLED("no restart flag", 0, recv(fd, buf, 4, 0));
    SIGNALLED("never restarted", 1, recv(fd, buf, 4, 0));
    limit(fd, SO_RCVTIMEO, 50);
    SIGNALLED("time is over first", 1, recv(fd, buf, 4, 0));
}

static void *has_one_sent(void *p) {
    (void)p;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    usleep(150000);
    close(tell_peer("udp", 5731, "dgram"));
    return NULL;
}

CASE(signals_datagrams) {
    int u = udp();
    bind_to(u, own_ip, 5731);
    SIGNALLED("recv", 0, recv(u, buf, 4, 0));
    limit(u, SO_RCVTIMEO, 1500);
    SIGNALLED("with a time-out", 1, recv(u, buf, 4, 0));
    limit(u, SO_RCVTIMEO, 0);
    alarm_in(50, nothing, SA_RESTART);
    pthread_t t;
    pthread_create(&t, NULL, has_one_sent, NULL);
    TRY("restarts", recv(u, buf, 16, 0));
    say("restarts", "handler ran %d", (int)ran);
}

CASE(signals_accept) {
    int port, l = listener(&port);
    SIGNALLED("accept", 0, accept(l, NULL, NULL));
    SIGNALLED("accept4", 0, accept4(l, NULL, NULL, SOCK_CLOEXEC));
    int c = tell_peer("later", port, "");
    alarm_in(100, nothing, SA_RESTART);
    OK("restarts", accept(l, NULL, NULL));
    say("restarts", "handler ran %d", (int)ran);
    limit(l, SO_RCVTIMEO, 1500);
    SIGNALLED("with a time-out", 1, accept(l, NULL, NULL));
    close(c);
}

CASE(signals_connect) {
    int fd = tcp();
    SIGNALLED("connect", 0, connect_to(fd, nobody(), 9));
    TRY("it goes on", connect_to(fd, nobody(), 9) < 0 && errno == EHOSTUNREACH ? 0 : -1);
    fd = tcp();
    limit(fd, SO_SNDTIMEO, 1000);
    SIGNALLED("with a time-out", 1, connect_to(fd, nobody(), 9));
    nonblocking(fd);
    TRY("still under way", connect_to(fd, nobody(), 9));
}

CASE(signals_send) {
    int fd = dial(IGNORE);
    nonblocking(fd);
    while (send(fd, buf, sizeof buf, 0) > 0) {}
    settle();
    while (send(fd, buf, sizeof buf, 0) > 0) {}
    fcntl(fd, F_SETFL, 0);
    SIGNALLED("send", 0, send(fd, buf, sizeof buf, 0));
    SIGNALLED("write", 0, write(fd, buf, sizeof buf));
    limit(fd, SO_SNDTIMEO, 1500);
    SIGNALLED("with a time-out", 1, send(fd, buf, sizeof buf, 0));
}

CASE(signals_send_part) {
    int fd = dial(IGNORE);
    alarm_in(150, nothing, 0);
    long total = 0, n;
    while ((n = send(fd, buf, sizeof buf, 0)) == (long)sizeof buf) total += n;
    say("a part, then", "%d", n > 0 && n < (long)sizeof buf);
    say("or an error", "%d", n < 0);
    say("handler", "ran %d", (int)ran);
}

CASE(signals_waitall_part) {
    int fd = dial(PIECES);
    sleep_until_readable(fd);
    alarm_in(80, nothing, 0);
    TRY("MSG_WAITALL gives what it has", recv(fd, buf, 10, MSG_WAITALL));
    int two = dial(PIECES);
    sleep_until_readable(two);
    alarm_in(80, nothing, SA_RESTART);
    TRY("even with SA_RESTART", recv(two, buf, 10, MSG_WAITALL));
    say("handler", "ran %d", (int)ran);
}

CASE(signals_poll_family) {
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    struct pollfd p = {fd, POLLIN, 0};
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    fd_set r;
    for (int restart = 0; restart < 2; restart++) {
        FD_ZERO(&r);
        FD_SET(fd, &r);
        SIGNALLED("poll", restart, poll(&p, 1, -1));
        SIGNALLED("ppoll", restart, ppoll(&p, 1, NULL, NULL));
        SIGNALLED("select", restart, select(fd + 1, &r, NULL, NULL, NULL));
        SIGNALLED("pselect", restart, pselect(fd + 1, &r, NULL, NULL, NULL, NULL));
        SIGNALLED("epoll_wait", restart, epoll_wait(ep, &ev, 1, -1));
        SIGNALLED("epoll_pwait", restart, epoll_pwait(ep, &ev, 1, -1, NULL));
        SIGNALLED("epoll_pwait2", restart, epoll_pwait2(ep, &ev, 1, NULL, NULL));
    }
}

CASE(signals_masks_are_atomic) {
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    struct pollfd p = {fd, POLLIN, 0};
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    sigset_t block, none, now;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(fd, &r);
    struct timespec second = {1, 0};
    int pending;
    for (pending = 0; pending < 2; pending++) {
#define MASKED(what, call)                                                                                             \
    alarm_in(pending ? 1 : 100, nothing, SA_RESTART);                                                                  \
    if (pending) usleep(20000);                                                                                        \
    say(what, "before %d", (int)ran);                                                                                  \
    TRY(what, call);                                                                                                   \
    sigprocmask(SIG_BLOCK, NULL, &now);                                                                                \
    say(what, "after %d, blocked again %d", (int)ran, sigismember(&now, SIGALRM))
        MASKED("ppoll", ppoll(&p, 1, &second, &none));
        MASKED("pselect", pselect(fd + 1, &r, NULL, NULL, &second, &none));
        MASKED("epoll_pwait", epoll_pwait(ep, &ev, 1, 1000, &none));
        MASKED("epoll_pwait2", epoll_pwait2(ep, &ev, 1, &second, &none));
    }
    /* Something is ready and a signal waits: the answer comes first. */
    if (write(fd, "x", 1) != 1) return;
    settle();
    MASKED("ppoll, ready", ppoll(&p, 1, &second, &none));
    MASKED("epoll_pwait, ready", epoll_pwait(ep, &ev, 1, 1000, &none));
}

CASE(signals_masks_that_block) {
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    struct pollfd p = {fd, POLLIN, 0};
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    sigset_t block;
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    struct timespec time = {0, 150000000};
    alarm_in(50, nothing, 0);
    TRY("ppoll", ppoll(&p, 1, &time, &block));
    say("ppoll", "ran at its end %d", (int)ran);
    alarm_in(50, nothing, 0);
    TRY("epoll_pwait", epoll_pwait(ep, &ev, 1, 150, &block));
    say("epoll_pwait", "ran at its end %d", (int)ran);
}

static int used;
static void sends(int sig) {
    (void)sig;
    if (send(used, "!", 1, MSG_DONTWAIT) != 1) _exit(3);
}
static void reads(int sig) {
    char c;
    (void)sig;
    ran += recv(used, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
static void closes(int sig) { (void)sig, close(used); }
static void shuts(int sig) { (void)sig, shutdown(used, SHUT_RDWR); }

CASE(signals_handler_sends_on_the_awaited_socket) {
    used = dial(ECHO_PORT);
    alarm_in(80, sends, SA_RESTART);
    TRY("recv gets the answer", recv(used, buf, 8, 0));
    int ep = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, used, &ev);
    alarm_in(80, sends, SA_RESTART);
    TRY("epoll_wait", epoll_wait(ep, &ev, 1, 2000));
    settle();
    TRY("epoll_wait", epoll_wait(ep, &ev, 1, 2000));
}

CASE(signals_handler_reads_the_awaited_socket) {
    used = dial(LATE);
    alarm_in(80, reads, SA_RESTART);
    TRY("recv", recv(used, buf, 8, 0));
    say("handler", "%d", (int)ran);
}

CASE(signals_handler_closes_the_awaited_socket) {
    used = dial(ECHO_PORT);
    alarm_in(80, closes, 0);
    TRY("recv", recv(used, buf, 8, 0));
    TRY("it is closed", fcntl(used, F_GETFD));
    used = dial(ECHO_PORT);
    alarm_in(80, closes, SA_RESTART);
    TRY("recv restarts on a closed number", recv(used, buf, 8, 0));
    used = dial(ECHO_PORT);
    struct pollfd p = {used, POLLIN, 0};
    alarm_in(80, closes, SA_RESTART);
    TRY("poll", poll(&p, 1, 1000));
}

CASE(signals_handler_shuts_the_awaited_socket) {
    used = dial(IGNORE);
    alarm_in(80, shuts, SA_RESTART);
    TRY("recv", recv(used, buf, 8, 0));
    int port;
    used = listener(&port);
    alarm_in(80, shuts, SA_RESTART);
    TRY("accept", accept(used, NULL, NULL));
}

static sigjmp_buf away;
static void jumps(int sig) { (void)sig, siglongjmp(away, 1); }

CASE(signals_jump_out) {
    int fd = dial(ECHO_PORT), ep = epoll_create1(0), port, l = listener(&port);
    struct epoll_event ev = {EPOLLIN, {0}};
    struct pollfd p = {fd, POLLIN, 0};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    for (volatile int i = 0; i < 4; i++) {
        if (sigsetjmp(away, 1) == 0) {
            alarm_in(60, jumps, SA_RESTART);
            if (i == 0) recv(fd, buf, 4, 0);
            if (i == 1) poll(&p, 1, 2000);
            if (i == 2) epoll_wait(ep, &ev, 1, 2000);
            if (i == 3) accept(l, NULL, NULL);
            say("returned", "%d", i);
        }
        if (write(fd, "x", 1) != 1) return;
        TRY("the socket works on", recv(fd, buf, 4, 0));
    }
    int c = tell_peer("script", port, ".");
    OK("accept", accept(l, NULL, NULL));
    close(c);
    TRY("close", close(fd));
}

static void ends_thread(int sig) {
    (void)sig;
    pthread_exit((void *)7);
}
static void *waits(void *p) {
    recv(*(int *)p, buf, 4, 0);
    return NULL;
}

CASE(signals_handler_ends_the_thread) {
    int fd = dial(ECHO_PORT);
    struct sigaction sa = {.sa_handler = ends_thread};
    sigaction(SIGUSR1, &sa, NULL);
    pthread_t t;
    pthread_create(&t, NULL, waits, &fd);
    settle();
    pthread_kill(t, SIGUSR1);
    void *result;
    pthread_join(t, &result);
    say("thread", "%ld", (long)result);
    if (write(fd, "x", 1) != 1) return;
    TRY("the socket works on", recv(fd, buf, 4, 0));
}

static volatile sig_atomic_t pipes;
static void on_pipe(int sig) { (void)sig, pipes++; }

CASE(signals_sigpipe) {
    signal(SIGPIPE, on_pipe);
    int fd = dial(DISCARD), p[2];
    shutdown(fd, SHUT_WR);
    struct msghdr m = {.msg_iov = &vec, .msg_iovlen = 1};
    TRY("send", send(fd, "x", 1, 0));
    TRY("write", write(fd, "x", 1));
    TRY("writev", writev(fd, &vec, 1));
    TRY("sendmsg", sendmsg(fd, &m, 0));
    say("signals", "%d", (int)pipes);
    TRY("send, MSG_NOSIGNAL", send(fd, "x", 1, MSG_NOSIGNAL));
    TRY("sendmsg, MSG_NOSIGNAL", sendmsg(fd, &m, MSG_NOSIGNAL));
    say("signals", "%d", (int)pipes);
    int file = open("/etc/hostname", O_RDONLY);
    TRY("sendfile", sendfile(fd, file, NULL, 10));
    say("signals", "%d", (int)pipes);
    if (pipe(p) || write(p[1], "x", 1) != 1) return;
    TRY("splice", splice(p[0], NULL, fd, NULL, 1, 0));
    say("signals", "%d", (int)pipes);
    TRY("send of nothing", send(fd, "", 0, 0));
    say("signals", "%d", (int)pipes);
}

CASE(signals_sigpipe_after_reset) {
    signal(SIGPIPE, on_pipe);
    int fd = dial(RESET);
    settle();
    TRY("the error first", send(fd, "x", 1, 0));
    say("signals", "%d", (int)pipes);
    TRY("then EPIPE", send(fd, "x", 1, 0));
    say("signals", "%d", (int)pipes);
}

CASE(signals_sigpipe_ignored) {
    int fd = dial(DISCARD);
    signal(SIGPIPE, SIG_IGN);
    shutdown(fd, SHUT_WR);
    TRY("ignored", send(fd, "x", 1, 0));
}

CASE(signals_recvmmsg_part) {
    int u = udp();
    bind_to(u, own_ip, 5732);
    struct mmsghdr mm[3] = {0};
    for (int i = 0; i < 3; i++) mm[i].msg_hdr = (struct msghdr){.msg_iov = &vec, .msg_iovlen = 1};
    close(tell_peer("udp", 5732, "dgram"));
    sleep_until_readable(u);
    alarm_in(100, nothing, SA_RESTART);
    TRY("one of three", recvmmsg(u, mm, 3, 0, NULL));
    say("handler", "ran %d", (int)ran);
}

CASE(signals_connect_restarts) {
    int fd = tcp();
    alarm_in(100, nothing, SA_RESTART);
    TRY("goes on to its end", connect_to(fd, nobody(), 9));
    say("handler", "ran %d", (int)ran);
}

static int first_set, second_set;
static void *one_event(void *p) {
    struct epoll_event ev;
    return (void *)(long)epoll_wait(*(int *)p, &ev, 1, 700);
}

CASE(signals_epoll_exclusive_sets) {
    int port, l = listener(&port);
    first_set = epoll_create1(0);
    second_set = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN | EPOLLEXCLUSIVE, {0}};
    epoll_ctl(first_set, EPOLL_CTL_ADD, l, &ev);
    epoll_ctl(second_set, EPOLL_CTL_ADD, l, &ev);
    pthread_t a, b;
    pthread_create(&a, NULL, one_event, &first_set);
    pthread_create(&b, NULL, one_event, &second_set);
    settle();
    int c = tell_peer("script", port, "............");
    void *x, *y;
    pthread_join(a, &x);
    pthread_join(b, &y);
    say("woken for one connection, nobody accepts", "%ld", (long)x + (long)y);
    close(c);
}
