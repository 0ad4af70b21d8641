/* EINTR and SA_RESTART (signal(7)): recv, accept, connect, send, poll, select, epoll_wait, with time-outs and without. */
#include "case.h"

static volatile sig_atomic_t ran;
static int on_alarm_fd = -1;
static void on_alarm(int sig) {
    (void)sig;
    ran++;
    if (on_alarm_fd >= 0) {
        int e = errno;
        if (write(on_alarm_fd, "!", 1) != 1) ran += 100;
        errno = e;
    }
}

static void arm(int restart, int ms) {
    struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = restart ? SA_RESTART : 0};
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
        arm(restart, 100);                                                                                             \
        TRY(what, call);                                                                                               \
        say(what, "handler ran %d", (int)ran);                                                                         \
    } while (0)

CASE(signals) {
    char buf[64];
    int fd = dial(ECHO_PORT);
    SIGNALLED("recv", 0, recv(fd, buf, 1, 0));
    SIGNALLED("read", 0, read(fd, buf, 1));
    fd = dial(LATE);
    SIGNALLED("recv, restarts", 1, recv(fd, buf, 4, 0));
    fd = dial(LATE);
    SIGNALLED("WAITALL, restarts", 1, recv(fd, buf, 4, MSG_WAITALL));
    fd = dial(PIECES);
    sleep_until_readable(fd);
    arm(0, 50);
    TRY("WAITALL, part first", recv(fd, buf, 10, MSG_WAITALL));
    say("WAITALL", "handler ran %d", (int)ran);
    fd = dial(ECHO_PORT);
    limit(fd, SO_RCVTIMEO, 3000);
    SIGNALLED("recv with a time-out never restarts", 1, recv(fd, buf, 1, 0));

    int port, l = listener(&port);
    SIGNALLED("accept", 0, accept(l, NULL, NULL));
    tell_peer("later", port, "");
    arm(1, 100);
    OK("accept, restarts", accept(l, NULL, NULL));
    say("accept", "handler ran %d", (int)ran);
    limit(l, SO_RCVTIMEO, 3000);
    SIGNALLED("accept with a time-out", 1, accept(l, NULL, NULL));

    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl(ntohl(peer_ip.s_addr) + 96);
    fd = tcp();
    SIGNALLED("connect", 0, connect_to(fd, nobody, 80));
    TRY("connect goes on", fcntl(fd, F_SETFL, O_NONBLOCK) + connect_to(fd, nobody, 80));
    close(fd);

    fd = dial(IGNORE);
    static char big[1 << 20];
    nonblocking(fd);
    for (int quiet = 0; quiet < 3;)
        if (write(fd, big, sizeof big) > 0) quiet = 0;
        else quiet++, usleep(50000);
    fcntl(fd, F_SETFL, 0);
    SIGNALLED("send", 0, send(fd, big, sizeof big, 0));
    close(fd);

    fd = dial(ECHO_PORT);
    struct pollfd p = {fd, POLLIN, 0};
    SIGNALLED("poll", 0, poll(&p, 1, -1));
    SIGNALLED("poll never restarts", 1, poll(&p, 1, 2000));
    fd_set r;
    FD_ZERO(&r);
    FD_SET(fd, &r);
    SIGNALLED("select", 0, select(fd + 1, &r, NULL, NULL, NULL));
    struct timeval tv = {2, 0};
    SIGNALLED("select never restarts", 1, select(fd + 1, &r, NULL, NULL, &tv));
    say("the set is untouched", "%d", !!FD_ISSET(fd, &r));
    int ep = epoll_create1(0);
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    SIGNALLED("epoll_wait", 1, epoll_wait(ep, &ev, 1, 2000));

    /* A mask that lets the signal in only while waiting. */
    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    sigprocmask(SIG_BLOCK, &block, NULL);
    arm(0, 50);
    usleep(100000);
    say("blocked", "handler ran %d", (int)ran);
    struct timespec ts = {2, 0};
    TRY("ppoll lets it in", ppoll(&p, 1, &ts, &none));
    say("ppoll", "handler ran %d", (int)ran);
    arm(0, 50);
    usleep(100000);
    ts = (struct timespec){0, 0};
    TRY("ppoll, no time", ppoll(&p, 1, &ts, &none));
    say("ppoll, no time", "handler ran %d", (int)ran);
    arm(0, 50);
    usleep(100000);
    ts = (struct timespec){2, 0};
    TRY("pselect lets it in", pselect(fd + 1, &r, NULL, NULL, &ts, &none));
    say("pselect", "handler ran %d", (int)ran);
    arm(0, 50);
    TRY("poll does not", poll(&p, 1, 150));
    sigprocmask(SIG_UNBLOCK, &block, NULL);
    say("poll", "handler ran %d", (int)ran);

    /* A handler that itself sends on the socket that is waited on. */
    on_alarm_fd = fd;
    SIGNALLED("recv, the handler sends", 1, recv(fd, buf, 1, 0));
    on_alarm_fd = fd;
    SIGNALLED("poll, the handler sends", 0, poll(&p, 1, 2000));
    on_alarm_fd = -1;
    settle();
    TRY("what it sent", recv(fd, buf, 10, 0));

    struct sigaction sa = {.sa_handler = SIG_IGN};
    arm(0, 100);
    sigaction(SIGALRM, &sa, NULL);
    limit(fd, SO_RCVTIMEO, 250);
    TRY("an ignored signal interrupts nothing", recv(fd, buf, 1, 0));
}
