/* Threads that wait on epoll sets while others change them; signals, cancellation and jumps out of a wait. */
#include "epoll.h"
#include <setjmp.h>

struct waiter {
    pthread_t thread;
    int ep, ms, n, error;
    unsigned tag;
    int events;
    volatile pid_t tid;
    long took;
};

static void *waits(void *p) {
    struct waiter *w = p;
    struct epoll_event ev[4];
    long start = now_ms();
    w->tid = gettid();
    w->n = epoll_wait(w->ep, ev, 4, w->ms);
    w->error = w->n < 0 ? errno : 0;
    w->took = now_ms() - start;
    if (w->n > 0) w->tag = ev[0].data.u32, w->events = (int)ev[0].events;
    return NULL;
}

static void begin(struct waiter *w, int ep, int ms) {
    *w = (struct waiter){.ep = ep, .ms = ms};
    pthread_create(&w->thread, NULL, waits, w);
    until_asleep(&w->tid);
}

static void end(const char *what, struct waiter *w) {
    pthread_join(w->thread, NULL);
    if (w->n < 0) say(what, "%s", strerrorname_np(w->error));
    else if (w->n == 0) say(what, "0, in time %d", w->took >= w->ms && w->took < w->ms + 10000);
    else say(what, "%d %u:%s", w->n, w->tag, bits(w->events));
}

CASE(epoll_threads_closed_set_with_a_pipe) {
    struct waiter w;
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), p[2];
    if (pipe(p)) return;
    TRY("add", add(ep, fd, EPOLLIN, 1));
    TRY("add the pipe", add(ep, p[0], EPOLLIN, 2));
    begin(&w, ep, 3000);
    TRY("close the set", close(ep));
    if (write(p[1], "x", 1) != 1) return;
    end("the waiter still hears of the pipe", &w);
}

/* How many of the waiters got something. */
static void count(const char *what, struct waiter *w, int n) {
    int got = 0, all = 0;
    for (int i = 0; i < n; i++) {
        pthread_join(w[i].thread, NULL);
        got += w[i].n > 0;
        all += w[i].n > 0 ? w[i].n : 0;
    }
    say(what, "%d waiters, %d events", got, all);
}

CASE(epoll_threads_changes) {
    struct waiter w;
    int ep = epoll_create1(0), fd = dial(ECHO_PORT), p[2];
    if (pipe(p)) return;
    begin(&w, ep, 3000);
    TRY("add the first while one waits", add(ep, fd, EPOLLIN | EPOLLOUT, 1));
    end("added", &w);
    close(ep);

    ep = epoll_create1(0);
    TRY("add", add(ep, fd, EPOLLIN, 2));
    begin(&w, ep, 3000);
    TRY("modify", mod(ep, fd, EPOLLOUT, 3));
    end("modified", &w);
    TRY("modify", mod(ep, fd, EPOLLIN, 4));
    begin(&w, ep, 3000);
    int u = udp();
    TRY("add another", add(ep, u, EPOLLOUT | EPOLLET, 5));
    end("added", &w);
    begin(&w, ep, 3000);
    echo(fd, "x");
    end("data", &w);
    drain(fd);
    begin(&w, ep, 300);
    TRY("remove", del(ep, fd));
    echo(fd, "x");
    end("removed", &w);
    drain(fd);
    TRY("add", add(ep, fd, EPOLLIN, 6));
    begin(&w, ep, 300);
    close(fd);
    end("closed", &w);
    fd = dial(ECHO_PORT);
    TRY("add", add(ep, fd, EPOLLIN, 7));
    begin(&w, ep, 3000);
    TRY("the first pipe", add(ep, p[0], EPOLLIN, 8));
    usleep(50000);
    if (write(p[1], "x", 1) != 1) return;
    end("pipe", &w);
    char c;
    if (read(p[0], &c, 1) != 1) return;
    begin(&w, ep, 3000);
    echo(fd, "x");
    end("socket", &w);
    drain(fd);
    begin(&w, ep, 3000);
    if (write(p[1], "x", 1) != 1) return;
    end("pipe", &w);
    TRY("pipe out", del(ep, p[0]));
    /* The library may report an edge once more when a set becomes the kernel's, which is never wrong. */
    TRY("edge out", del(ep, u));
    begin(&w, ep, 3000);
    int outer = epoll_create1(0);
    TRY("nest it while one waits", add(outer, ep, EPOLLIN, 9));
    echo(fd, "x");
    end("nested", &w);
    events("outer", outer, 4, 1000);
    drain(fd);
    events("outer", outer, 4, 50);
    begin(&w, ep, 300);
    end("time is over", &w);
    close(outer);
    close(ep);

    ep = epoll_create1(0);
    add(ep, fd, EPOLLIN, 10);
    begin(&w, ep, 3000);
    TRY("close the set", close(ep));
    echo(fd, "x");
    end("closed while one waits", &w);
    drain(fd);
    close(fd);
    close(u);
    close(p[0]);
    close(p[1]);
}

CASE(epoll_threads_several) {
    struct waiter w[2];
    int ep = epoll_create1(0), a = dial(ECHO_PORT), b = dial(ECHO_PORT);
    add(ep, a, EPOLLIN | EPOLLET, 1);
    add(ep, b, EPOLLIN | EPOLLET, 2);
    begin(&w[0], ep, 1000);
    begin(&w[1], ep, 1000);
    echo(a, "x");
    usleep(50000);
    echo(b, "x");
    count("two edges, two threads", w, 2);
    drain(a);
    drain(b);
    begin(&w[0], ep, 400);
    begin(&w[1], ep, 400);
    echo(a, "x");
    count("one edge, two threads", w, 2);
    drain(a);
    mod(ep, a, EPOLLIN | EPOLLONESHOT, 1);
    begin(&w[0], ep, 400);
    begin(&w[1], ep, 400);
    echo(a, "x");
    count("one oneshot, two threads", w, 2);
    drain(a);
    mod(ep, a, EPOLLIN, 1);
    begin(&w[0], ep, 400);
    begin(&w[1], ep, 400);
    echo(a, "x");
    count("level, two threads, nobody reads", w, 2);
    drain(a);
    close(ep);

    int one = epoll_create1(0), two = epoll_create1(0);
    add(one, a, EPOLLIN, 1);
    add(two, a, EPOLLIN, 2);
    begin(&w[0], one, 400);
    begin(&w[1], two, 400);
    echo(a, "x");
    count("one socket, two sets", w, 2);
    drain(a);
    del(one, a);
    del(two, a);
    add(one, a, EPOLLIN | EPOLLEXCLUSIVE, 1);
    add(two, a, EPOLLIN | EPOLLEXCLUSIVE, 2);
    begin(&w[0], one, 400);
    begin(&w[1], two, 400);
    /* An echo that only the sets hear of. */
    if (write(a, "x", 1) != 1) return;
    count("exclusive", w, 2);
    drain(a);
    begin(&w[1], two, 1000);
    if (write(a, "x", 1) != 1) return;
    count("exclusive, only the second waits", &w[1], 1);
    drain(a);
    int port, l = listener(&port);
    add(one, l, EPOLLIN | EPOLLEXCLUSIVE, 3);
    add(two, l, EPOLLIN | EPOLLEXCLUSIVE, 4);
    begin(&w[0], one, 400);
    begin(&w[1], two, 400);
    tell_peer("connect", port, "");
    count("exclusive listener", w, 2);
    close(accept(l, NULL, NULL));
    close(l);
    close(one);
    close(two);
    close(a);
    close(b);
}

static volatile sig_atomic_t handled;
static sigjmp_buf back;
static void handler(int sig) { (void)sig, handled++; }
static void jumper(int sig) { (void)sig, siglongjmp(back, 1); }

static void on(int sig, void (*f)(int), int flags) {
    struct sigaction a = {.sa_handler = f, .sa_flags = flags};
    sigaction(sig, &a, NULL);
}

static void in_ms(int ms) {
    struct itimerval t = {.it_value = {0, ms * 1000}};
    setitimer(ITIMER_REAL, &t, NULL);
}

CASE(epoll_threads_signals) {
    struct epoll_event ev[4];
    sigset_t alarm_only, empty;
    sigemptyset(&empty);
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    int ep = epoll_create1(0), fd = dial(ECHO_PORT);
    add(ep, fd, EPOLLIN, 1);
    on(SIGALRM, handler, 0);
    in_ms(100);
    TRY("a handler", epoll_wait(ep, ev, 4, 3000));
    on(SIGALRM, handler, SA_RESTART);
    in_ms(100);
    TRY("a handler, restarting", epoll_wait(ep, ev, 4, 3000));
    in_ms(100);
    TRY("a handler, no time limit", epoll_wait(ep, ev, 4, -1));
    say("handled", "%d", handled);
    on(SIGALRM, SIG_IGN, 0);
    in_ms(50);
    TRY("ignored", epoll_wait(ep, ev, 4, 200));
    on(SIGALRM, handler, 0);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
    in_ms(50);
    TRY("blocked", epoll_wait(ep, ev, 4, 200));
    TRY("pwait lets it in", epoll_pwait(ep, ev, 4, 200, &empty));
    say("handled", "%d", handled);
    in_ms(100);
    struct timespec t = {3, 0};
    TRY("pwait2 lets it in", epoll_pwait2(ep, ev, 4, &t, &empty));
    say("handled", "%d", handled);
    raise(SIGALRM);
    echo(fd, "x");
    TRY("an event is first", epoll_pwait(ep, ev, 4, 200, &empty));
    say("not handled", "%d", handled);
    drain(fd);
    TRY("at once, nothing", epoll_pwait(ep, ev, 4, 0, &empty));
    say("not handled", "%d", handled);
    TRY("now", epoll_pwait(ep, ev, 4, -1, &empty));
    say("handled", "%d", handled);
    sigset_t now;
    pthread_sigmask(SIG_BLOCK, NULL, &now);
    say("the mask is back", "%d", sigismember(&now, SIGALRM));
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);

    on(SIGALRM, jumper, SA_NODEFER);
    if (sigsetjmp(back, 1) == 0) {
        in_ms(100);
        epoll_wait(ep, ev, 4, 3000);
        printf("no jump\n");
    }
    echo(fd, "x");
    events("after a jump out of it", ep, 4, 1000);
    drain(fd);
    on(SIGALRM, SIG_DFL, 0);

    struct waiter w;
    begin(&w, ep, -1);
    pthread_cancel(w.thread);
    void *result;
    pthread_join(w.thread, &result);
    say("cancelled", "%d", result == PTHREAD_CANCELED);
    begin(&w, ep, 3000);
    echo(fd, "x");
    end("after that", &w);
    drain(fd);

    /* A set without sockets of ours is the kernel's business, until one comes. */
    int p[2], other = epoll_create1(0);
    if (pipe(p)) return;
    add(other, p[0], EPOLLIN, 1);
    begin(&w, other, -1);
    pthread_cancel(w.thread);
    pthread_join(w.thread, &result);
    say("cancelled", "%d", result == PTHREAD_CANCELED);
    TRY("a socket", add(other, fd, EPOLLIN, 2));
    begin(&w, other, 3000);
    echo(fd, "x");
    end("socket", &w);
    drain(fd);
    close(other);

    /* Waiters that came before the first socket, one of them kicked in vain. */
    other = epoll_create1(0);
    add(other, p[0], EPOLLIN, 1);
    struct waiter both[2];
    begin(&both[0], other, 2000);
    begin(&both[1], other, 2000);
    TRY("a socket", add(other, fd, EPOLLIN | EPOLLET, 2));
    usleep(50000);
    echo(fd, "x");
    usleep(50000);
    if (write(p[1], "x", 1) != 1) return;
    count("each has something", both, 2);
    events("left", other, 4, 0);
    close(other);
    close(p[0]);
    close(p[1]);
    close(fd);
    close(ep);
}

static void *clients(void *p) {
    int fd = dial(ECHO_PORT), *rounds = p;
    char c;
    for (int i = 0; i < 300; i++)
        if (write(fd, "x", 1) == 1 && read(fd, &c, 1) == 1) ++*rounds;
    close(fd);
    return NULL;
}

/* Four threads serve one set, edge and oneshot, while others do blocking calls: nothing may be lost or stuck. */
static int done;

static void *server(void *p) {
    int ep = (int)(intptr_t)p;
    struct epoll_event ev;
    while (__atomic_load_n(&done, __ATOMIC_SEQ_CST) < 8 * 50) {
        if (epoll_wait(ep, &ev, 1, 200) != 1) continue;
        int fd = ev.data.fd;
        char buf[64];
        ssize_t n;
        while ((n = recv(fd, buf, sizeof buf, MSG_DONTWAIT)) > 0) {
            int now = __atomic_add_fetch(&done, (int)n, __ATOMIC_SEQ_CST);
            if (now <= 8 * 50 - 8 && write(fd, "x", 1) != 1) printf("write failed\n");
        }
        mod(ep, fd, EPOLLIN | EPOLLET | EPOLLONESHOT, (unsigned)fd);
    }
    return NULL;
}

CASE(epoll_threads_load) {
    int ep = epoll_create1(0), rounds = 0, fd[8];
    pthread_t t[4], c;
    for (int i = 0; i < 8; i++) {
        fd[i] = dial(ECHO_PORT);
        add(ep, fd[i], EPOLLIN | EPOLLET | EPOLLONESHOT, (unsigned)fd[i]);
    }
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, server, (void *)(intptr_t)ep);
    pthread_create(&c, NULL, clients, &rounds);
    for (int i = 0; i < 8; i++)
        if (write(fd[i], "x", 1) != 1) printf("write failed\n");
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    pthread_join(c, NULL);
    say("all came", "%d, client %d", done, rounds);
    for (int i = 0; i < 8; i++) close(fd[i]);
    close(ep);
}
