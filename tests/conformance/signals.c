/* EINTR and SA_RESTART (signal(7)): what signals_restart.c does not have. Bytes that come later, a connection under way, sets of
 * descriptors, no time to wait, signals that are blocked or ignored. */
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

static void wait_for_pending(void) {
    sigset_t s;
    do {
        usleep(10000);
        sigpending(&s);
    } while (!sigismember(&s, SIGALRM));
}

static sigset_t block(void) {
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGALRM);
    sigprocmask(SIG_BLOCK, &s, NULL);
    return s;
}

#define SIGNALLED(what, restart, call)                                                                                 \
    do {                                                                                                               \
        arm(restart, 100);                                                                                             \
        TRY(what, call);                                                                                               \
        say(what, "handler ran %d", (int)ran);                                                                         \
    } while (0)

CASE(signals_bytes_that_come_later) {
    char buf[64];
    int fd = dial(LATE);
    SIGNALLED("read, restarts", 1, read(fd, buf, 4));
    fd = dial(LATE);
    SIGNALLED("WAITALL, restarts", 1, recv(fd, buf, 4, MSG_WAITALL));
}

CASE(signals_read) {
    char buf[4];
    SIGNALLED("read", 0, read(dial(ECHO_PORT), buf, 1));
}

CASE(signals_connect_under_way) {
    struct in_addr nobody = peer_ip;
    nobody.s_addr = htonl(ntohl(peer_ip.s_addr) + 96);
    int fd = tcp();
    SIGNALLED("connect", 0, connect_to(fd, nobody, 80));
    TRY("connect goes on", fcntl(fd, F_SETFL, O_NONBLOCK) + connect_to(fd, nobody, 80));
}

CASE(signals_sets_of_select) {
    int fd = dial(ECHO_PORT);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(fd, &r);
    struct timeval tv = {20, 0};
    SIGNALLED("select never restarts", 1, select(fd + 1, &r, NULL, NULL, &tv));
    say("the set is untouched", "%d", !!FD_ISSET(fd, &r));
    say("time is left", "%d", tv.tv_sec < 20);
}

CASE(signals_with_a_time_out) {
    int fd = dial(ECHO_PORT), ep = epoll_create1(0);
    struct pollfd p = {fd, POLLIN, 0};
    struct epoll_event ev = {EPOLLIN, {0}};
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
    SIGNALLED("poll", 1, poll(&p, 1, 20000));
    SIGNALLED("epoll_wait", 1, epoll_wait(ep, &ev, 1, 20000));
}

CASE(signals_masks_with_no_time) {
    int fd = dial(ECHO_PORT);
    struct pollfd p = {fd, POLLIN, 0};
    struct timespec ts = {0, 0};
    fd_set r;
    FD_ZERO(&r);
    FD_SET(fd, &r);
    sigset_t none;
    sigemptyset(&none);
    block();
    arm(0, 30);
    wait_for_pending();
    say("blocked", "handler ran %d", (int)ran);
    TRY("ppoll, no time", ppoll(&p, 1, &ts, &none));
    say("ppoll", "handler ran %d", (int)ran);
    arm(0, 30);
    wait_for_pending();
    TRY("pselect, no time", pselect(fd + 1, &r, NULL, NULL, &ts, &none));
    say("pselect", "handler ran %d", (int)ran);
}

CASE(signals_blocked_while_poll_waits) {
    struct pollfd p = {dial(ECHO_PORT), POLLIN, 0};
    sigset_t s = block();
    arm(0, 50);
    TRY("poll does not end", poll(&p, 1, 250));
    say("poll", "handler ran %d", (int)ran);
    wait_for_pending();
    sigprocmask(SIG_UNBLOCK, &s, NULL);
    say("unblocked", "handler ran %d", (int)ran);
}

CASE(signals_handler_sends_while_poll_waits) {
    char buf[16];
    int fd = dial(ECHO_PORT);
    struct pollfd p = {fd, POLLIN, 0};
    on_alarm_fd = fd;
    SIGNALLED("recv", 1, recv(fd, buf, 1, 0));
    SIGNALLED("poll", 0, poll(&p, 1, 20000));
    on_alarm_fd = -1;
    sleep_until_readable(fd);
    TRY("what it sent", recv(fd, buf, 10, 0));
}

CASE(signals_ignored) {
    char c;
    int fd = dial(ECHO_PORT);
    struct timeval tv = {0, 250000};
    arm(0, 100);
    signal(SIGALRM, SIG_IGN);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    TRY("an ignored signal interrupts nothing", recv(fd, &c, 1, 0));
}
