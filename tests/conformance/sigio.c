/* Signal-driven I/O: O_ASYNC, FIOASYNC, F_SETOWN and kin, F_SETSIG; when a signal comes and what its siginfo says. */
#include "case.h"
#include <sys/syscall.h>

static const char *reason(int code) {
    static const char *names[] = {"", "POLL_IN", "POLL_OUT", "POLL_MSG", "POLL_ERR", "POLL_PRI", "POLL_HUP"};
    return code == SI_KERNEL ? "SI_KERNEL" : code >= 1 && code <= 6 ? names[code] : "?";
}

/* The signals that wait: each kind once, however often it came, since nobody says how often data "arrives". */
static void signals(const char *what, int fd, int some) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigaddset(&set, SIGURG);
    sigaddset(&set, SIGRTMIN);
    char seen[32][80];
    int count = 0;
    siginfo_t info;
    struct timespec wait = {some ? 3 : 0, 0};
    if (!some) settle();
    printf("%s:", what);
    for (; sigtimedwait(&set, &info, &wait) > 0; wait = (struct timespec){0, 150000000}) {
        char line[80];
        int rt = info.si_signo == SIGRTMIN || info.si_code != SI_KERNEL;
        snprintf(line, sizeof line, "%s %s%s", info.si_signo == SIGIO ? "SIGIO" : info.si_signo == SIGURG ? "SIGURG" : "RT",
                 reason(info.si_code), !rt ? "" : info.si_fd == fd ? " this fd" : " another fd");
        if (rt) snprintf(line + strlen(line), sizeof line - strlen(line), " %s", bits((int)info.si_band));
        int known = 0;
        for (int i = 0; i < count; i++) known |= strcmp(seen[i], line) == 0;
        if (known || count == 32) continue;
        strcpy(seen[count++], line);
        printf(" [%s]", line);
    }
    putchar('\n');
}

/* Something is to come, however late; the rest follows soon. */
static void taken(const char *what, int fd) { signals(what, fd, 1); }

/* Nothing is to come. */
static void quiet(const char *what, int fd) { signals(what, fd, 0); }

static void block_all(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    sigaddset(&set, SIGURG);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

static int async(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC); }

/* O_ASYNC with a real-time signal. */
static void with_info(int fd) {
    block_all();
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, SIGRTMIN);
    async(fd);
}

CASE(sigio_flags) {
    int fd = tcp(), two = 0;
    TRY("fresh", fcntl(fd, F_GETFL));
    TRY("on", async(fd));
    say("flags", "%x", fcntl(fd, F_GETFL));
    TRY("off", fcntl(fd, F_SETFL, O_NONBLOCK));
    say("flags", "%x", fcntl(fd, F_GETFL));
    int on = 1;
    TRY("FIOASYNC", ioctl(fd, FIOASYNC, &on));
    say("flags", "%x", fcntl(fd, F_GETFL));
    two = dup(fd);
    say("of a dup", "%x", fcntl(two, F_GETFL));
    on = 0;
    TRY("FIOASYNC off", ioctl(two, FIOASYNC, &on));
    say("flags", "%x", fcntl(fd, F_GETFL));
}

CASE(sigio_owner) {
    int fd = tcp(), n = -1;
    struct f_owner_ex o = {-1, -1};
    TRY("fresh", fcntl(fd, F_GETOWN));
    TRY("signal", fcntl(fd, F_GETSIG));
    TRY("process", fcntl(fd, F_SETOWN, getpid()));
    say("process", "%d", fcntl(fd, F_GETOWN) == getpid());
    TRY("FIOGETOWN", ioctl(fd, 0x8903, &n));
    say("FIOGETOWN", "%d", n == getpid());
    TRY("group", fcntl(fd, F_SETOWN, -getpgrp()));
    say("group", "%d", fcntl(fd, F_GETOWN) == -getpgrp());
    TRY("SIOCGPGRP", ioctl(fd, 0x8904, &n));
    say("SIOCGPGRP", "%d", n == -getpgrp());
    TRY("F_GETOWN_EX", fcntl(fd, F_GETOWN_EX, &o));
    say("F_GETOWN_EX", "type %d group %d", o.type, o.pid == getpgrp());
    o = (struct f_owner_ex){F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    TRY("thread", fcntl(fd, F_SETOWN_EX, &o));
    o = (struct f_owner_ex){-1, -1};
    TRY("thread", fcntl(fd, F_GETOWN_EX, &o));
    say("thread", "type %d this %d", o.type, o.pid == (pid_t)syscall(SYS_gettid));
    o.type = 9;
    TRY("no such type", fcntl(fd, F_SETOWN_EX, &o));
    TRY("nobody", fcntl(fd, F_SETOWN, 0x3ffffff));
    TRY("SIOCSPGRP", ioctl(fd, 0x8902, &(int){getpid()}));
    say("SIOCSPGRP", "%d", fcntl(fd, F_GETOWN) == getpid());
    TRY("F_SETSIG", fcntl(fd, F_SETSIG, SIGRTMIN + 1));
    say("F_GETSIG", "%d", fcntl(fd, F_GETSIG) - SIGRTMIN);
    TRY("F_SETSIG 999", fcntl(fd, F_SETSIG, 999));
    TRY("F_SETSIG -1", fcntl(fd, F_SETSIG, -1));
    int other = tcp();
    TRY("another socket has none", fcntl(other, F_GETOWN));
    TRY("nor a signal", fcntl(other, F_GETSIG));
}

CASE(sigio_accepted_has_none) {
    int port, l = listener(&port);
    fcntl(l, F_SETOWN, getpid());
    block_all();
    async(l);
    int c = tell_peer("script", port, "."), s = accept(l, NULL, NULL);
    say("flags", "%x", fcntl(s, F_GETFL));
    TRY("owner", fcntl(s, F_GETOWN));
    close(c);
}

CASE(sigio_plain) {
    int fd = dial(ECHO_PORT);
    block_all();
    TRY("owner", fcntl(fd, F_SETOWN, getpid()));
    TRY("O_ASYNC", async(fd));
    quiet("nothing", fd);
    TRY("write", write(fd, "abc", 3));
    taken("data", fd);
    char buf[8];
    TRY("read one", read(fd, buf, 1));
    quiet("some left", fd);
    TRY("write", write(fd, "abc", 3));
    taken("more data", fd);
    TRY("off", fcntl(fd, F_SETFL, 0));
    TRY("write", write(fd, "abc", 3));
    quiet("off", fd);
}

CASE(sigio_no_owner) {
    int fd = dial(ECHO_PORT);
    block_all();
    TRY("O_ASYNC", async(fd));
    TRY("write", write(fd, "abc", 3));
    quiet("nobody", fd);
}

CASE(sigio_info) {
    int fd = dial(ECHO_PORT);
    with_info(fd);
    quiet("nothing", fd);
    TRY("write", write(fd, "abc", 3));
    taken("data", fd);
}

CASE(sigio_info_fd_is_that_of_fcntl) {
    int fd = dial(ECHO_PORT), two = dup(fd);
    with_info(two);
    TRY("write", write(fd, "abc", 3));
    taken("data", two);
    struct pollfd p = {fd, POLLIN, 0};
    TRY("the number still works", poll(&p, 1, 0));
    TRY("close-on-exec is kept", fcntl(two, F_GETFD));
    int third = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    fcntl(third, F_SETFL, 0);
    async(third);
    TRY("close-on-exec is kept", fcntl(third, F_GETFD));
    TRY("write", write(fd, "abc", 3));
    taken("data", third);
}

CASE(sigio_sigio_as_signal) {
    int fd = dial(ECHO_PORT);
    block_all();
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETSIG, SIGIO);
    async(fd);
    TRY("write", write(fd, "abc", 3));
    taken("data", fd);
}

CASE(sigio_connect) {
    int fd = tcp();
    nonblocking(fd);
    with_info(fd);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    taken("connected", fd);
}

CASE(sigio_refused) {
    int fd = tcp();
    nonblocking(fd);
    with_info(fd);
    TRY("connect", connect_to(fd, peer_ip, CLOSED));
    taken("refused", fd);
    say("error", "%s", strerrorname_np(pending_error(fd)));
    quiet("told", fd);
}

CASE(sigio_accept) {
    int port, l = listener(&port);
    with_info(l);
    int a = tell_peer("script", port, ".");
    taken("one", l);
    OK("accept", accept(l, NULL, NULL));
    quiet("none", l);
    int b = tell_peer("script", port, ".");
    taken("another", l);
    close(a), close(b);
}

CASE(sigio_fin) {
    int fd = dial(ECHO_PORT), port, l = listener(&port);
    close(fd);
    tell_peer("script", port, "...$");
    fd = accept(l, NULL, NULL);
    with_info(fd);
    taken("half closed", fd);
    TRY("shutdown", shutdown(fd, SHUT_WR));
    quiet("ours", fd);
}

CASE(sigio_hang_up) {
    int fd = dial(ECHO_PORT);
    with_info(fd);
    TRY("shutdown", shutdown(fd, SHUT_WR));
    taken("both closed", fd);
    char c;
    TRY("read", read(fd, &c, 1));
}

CASE(sigio_reset) {
    int fd = dial(RESET);
    with_info(fd);
    taken("reset", fd);
    char c;
    TRY("read", read(fd, &c, 1));
    quiet("told", fd);
}

CASE(sigio_room) {
    int port, l = listener(&port), small = 65536;
    setsockopt(l, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    tell_peer("later", port, "x");
    int fd = accept(l, NULL, NULL);
    char c;
    TRY("its byte", read(fd, &c, 1));
    nonblocking(fd);
    with_info(fd);
    static char big[1 << 20];
    quiet("room", fd);
    ssize_t n = 0;
    for (int i = 0; i < 400 && n >= 0; i++) n = write(fd, big, sizeof big);
    say("full", "%s", n < 0 ? strerrorname_np(errno) : "no");
    taken("room again", fd);
}

CASE(sigio_urgent) {
    int port, l = listener(&port);
    tell_peer("script", port, "..X.");
    int fd = accept(l, NULL, NULL);
    with_info(fd);
    settle();
    taken("urgent", fd);
}

CASE(sigio_udp) {
    int fd = udp();
    with_info(fd);
    connect_to(fd, peer_ip, ECHO_PORT);
    TRY("send", send(fd, "x", 1, 0));
    taken("datagram", fd);
    char c;
    TRY("recv", recv(fd, &c, 1, 0));
    quiet("none", fd);
}

CASE(sigio_udp_error) {
    int fd = udp();
    with_info(fd);
    connect_to(fd, peer_ip, CLOSED);
    TRY("send", send(fd, "x", 1, 0));
    taken("refused", fd);
    char c;
    TRY("recv", recv(fd, &c, 1, MSG_DONTWAIT));
    TRY("send", send(fd, "x", 1, 0));
    taken("refused again", fd);
}

static void *reader(void *p) {
    char buf[8];
    return (void *)recv(*(int *)p, buf, sizeof buf, 0);
}

CASE(sigio_not_while_a_thread_waits) {
    int fd = dial(ECHO_PORT);
    pthread_t t;
    with_info(fd);
    pthread_create(&t, NULL, reader, &fd);
    settle();
    TRY("write", write(fd, "abc", 3));
    void *n;
    pthread_join(t, &n);
    say("read", "%ld", (long)n);
    quiet("nothing", fd);
    TRY("write", write(fd, "abc", 3));
    taken("nobody waits", fd);
}

static volatile sig_atomic_t handled, on_thread;
static pthread_t main_thread;
static void on_io(int sig) { (void)sig, handled++, on_thread = pthread_equal(pthread_self(), main_thread); }

CASE(sigio_handler_reads) {
    signal(SIGIO, on_io);
    main_thread = pthread_self();
    int fd = dial(ECHO_PORT);
    nonblocking(fd);
    fcntl(fd, F_SETOWN, getpid());
    async(fd);
    TRY("write", write(fd, "abc", 3));
    for (int i = 0; i < 100 && !handled; i++) usleep(10000);
    char buf[8];
    say("handled", "%d in main %d", handled > 0, (int)on_thread);
    TRY("read", read(fd, buf, 8));
}

static void *elsewhere(void *p) {
    (void)p;
    usleep(400000);
    return NULL;
}

CASE(sigio_to_a_thread) {
    signal(SIGIO, on_io);
    main_thread = pthread_self();
    int fd = dial(ECHO_PORT);
    pthread_t t;
    pthread_create(&t, NULL, elsewhere, NULL);
    struct f_owner_ex o = {F_OWNER_TID, (pid_t)syscall(SYS_gettid)};
    fcntl(fd, F_SETOWN_EX, &o);
    async(fd);
    TRY("write", write(fd, "abc", 3));
    settle();
    say("handled", "%d in main %d", handled > 0, (int)on_thread);
    pthread_join(t, NULL);
}
