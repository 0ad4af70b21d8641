/* sigaction and kin show and do what they do without the library. */
#include "check.h"
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t count, value, depth, deepest, raises, code;
static volatile void *where;

static void plain(int sig)
{
    count++;
    value = sig;
}

static void with_info(int sig, siginfo_t *info, void *context)
{
    count++;
    value = info->si_value.sival_int;
    code = info->si_code == SI_QUEUE && info->si_signo == sig && context != NULL;
}

static void nested(int sig)
{
    if (++depth > deepest)
        deepest = depth;
    if (raises++ < 2)
        raise(sig);
    depth--;
}

static void on_stack(int sig)
{
    (void)sig;
    where = __builtin_frame_address(0);
}

static int is_default(int sig)
{
    struct sigaction a;
    return sigaction(sig, NULL, &a) == 0 && a.sa_handler == SIG_DFL;
}

int main(void)
{
    struct sigaction a = {0}, b = {0};

    CHECK("default at first", is_default(SIGUSR1));
    a.sa_handler = plain;
    a.sa_flags = SA_RESTART;
    sigemptyset(&a.sa_mask);
    sigaddset(&a.sa_mask, SIGUSR2);
    CHECK("install", sigaction(SIGUSR1, &a, &b) == 0 && b.sa_handler == SIG_DFL);
    CHECK("show", sigaction(SIGUSR1, NULL, &b) == 0 && b.sa_handler == plain);
    CHECK("flags", (b.sa_flags & (SA_RESTART | SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_ONSTACK)) == SA_RESTART);
    CHECK("mask", sigismember(&b.sa_mask, SIGUSR2) && !sigismember(&b.sa_mask, SIGUSR1));
    raise(SIGUSR1);
    CHECK("one argument", count == 1 && value == SIGUSR1);

    a.sa_sigaction = with_info;
    a.sa_flags = SA_SIGINFO;
    CHECK("replace", sigaction(SIGUSR1, &a, &b) == 0 && b.sa_handler == plain && !(b.sa_flags & SA_SIGINFO));
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 4711});
    CHECK("siginfo", count == 2 && value == 4711 && code);
    /* the same object for both */
    a.sa_handler = plain;
    a.sa_flags = 0;
    CHECK("swap", sigaction(SIGUSR1, &a, &a) == 0 && a.sa_sigaction == with_info && (a.sa_flags & SA_SIGINFO));

    a.sa_handler = plain;
    a.sa_flags = SA_RESETHAND;
    sigaction(SIGUSR1, &a, NULL);
    CHECK("one shot is shown", sigaction(SIGUSR1, NULL, &b) == 0 && (b.sa_flags & SA_RESETHAND) && b.sa_handler == plain);
    count = 0;
    raise(SIGUSR1);
    CHECK("one shot", count == 1 && is_default(SIGUSR1));
    CHECK("install again after it", sigaction(SIGUSR1, &a, &b) == 0 && b.sa_handler == SIG_DFL);

    a.sa_handler = nested;
    a.sa_flags = SA_NODEFER;
    sigemptyset(&a.sa_mask);
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    CHECK("SA_NODEFER nests", deepest == 3);
    a.sa_flags = 0;
    deepest = raises = 0;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    CHECK("without it, it waits", deepest == 1);
    signal(SIGUSR1, SIG_IGN);
    CHECK("ignore", sigaction(SIGUSR1, NULL, &b) == 0 && b.sa_handler == SIG_IGN);
    count = 0;
    raise(SIGUSR1);
    CHECK("ignored", count == 0);

    static char room[65536];
    stack_t s = {.ss_sp = room, .ss_size = sizeof room};
    sigaltstack(&s, NULL);
    a.sa_handler = on_stack;
    a.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &a, NULL);
    raise(SIGUSR1);
    CHECK("SA_ONSTACK", (char *)where >= room && (char *)where < room + sizeof room);

    CHECK("signal returns the old", signal(SIGUSR1, plain) == on_stack);
    sigaction(SIGUSR1, NULL, &b);
    CHECK("signal restarts", (b.sa_flags & SA_RESTART) && sigismember(&b.sa_mask, SIGUSR1));
    CHECK("siginterrupt", siginterrupt(SIGUSR1, 1) == 0);
    sigaction(SIGUSR1, NULL, &b);
    CHECK("siginterrupt takes it away", !(b.sa_flags & SA_RESTART) && b.sa_handler == plain);
    signal(SIGUSR1, plain);
    sigaction(SIGUSR1, NULL, &b);
    CHECK("and signal remembers", !(b.sa_flags & SA_RESTART));
    siginterrupt(SIGUSR1, 0);
    sigaction(SIGUSR1, NULL, &b);
    CHECK("siginterrupt gives it back", (b.sa_flags & SA_RESTART) != 0);

    sysv_signal(SIGUSR1, plain);
    sigaction(SIGUSR1, NULL, &b);
    CHECK("sysv_signal", (b.sa_flags & SA_NODEFER) && ((unsigned)b.sa_flags & SA_RESETHAND));
    count = 0;
    raise(SIGUSR1);
    CHECK("sysv_signal is one shot", count == 1 && is_default(SIGUSR1));

    CHECK("sigset", sigset(SIGUSR1, plain) == SIG_DFL);
    CHECK("sigset hold", sigset(SIGUSR1, SIG_HOLD) == plain);
    count = 0;
    raise(SIGUSR1);
    CHECK("held", count == 0);
    CHECK("sigset releases", sigset(SIGUSR1, plain) == SIG_HOLD && count == 1);
    CHECK("sigrelse", sigrelse(SIGUSR1) == 0);

    errno = 0;
    a.sa_handler = plain;
    CHECK("SIGKILL", sigaction(SIGKILL, &a, NULL) == -1 && errno == EINVAL);
    CHECK("SIGKILL is still default", is_default(SIGKILL));
    errno = 0;
    CHECK("32 is reserved", sigaction(32, &a, NULL) == -1 && errno == EINVAL);
    errno = 0;
    CHECK("0", sigaction(0, &a, NULL) == -1 && errno == EINVAL);
    errno = 0;
    CHECK("65", sigaction(65, &a, NULL) == -1 && errno == EINVAL);
    errno = 0;
    CHECK("signal(-1)", signal(-1, plain) == SIG_ERR && errno == EINVAL);
    CHECK("signal(SIG_ERR)", signal(SIGUSR1, SIG_ERR) == SIG_ERR && errno == EINVAL);
    a.sa_flags = SA_SIGINFO;
    a.sa_sigaction = with_info;
    CHECK("a real-time signal", sigaction(SIGRTMAX, &a, NULL) == 0);
    sigqueue(getpid(), SIGRTMAX, (union sigval){.sival_int = 5});
    CHECK("its value", value == 5);

    pid_t pid = fork();
    if (pid == 0) {
        count = 0;
        signal(SIGUSR1, plain);
        raise(SIGUSR1);
        _exit(count == 1 ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK("in a child", status == 0);
    signal(SIGUSR1, SIG_DFL);
    pid = fork();
    if (pid == 0) {
        raise(SIGUSR1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    CHECK("the default kills", WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);

    /* EINTR and SA_RESTART on a kernel descriptor */
    int p[2];
    char c;
    if (pipe(p))
        return 2;
    timer_t timer;
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    timer_create(CLOCK_MONOTONIC, &e, &timer);
    struct itimerspec once = {.it_value = {0, 30000000}};
    siginterrupt(SIGALRM, 1);
    signal(SIGALRM, plain);
    timer_settime(timer, 0, &once, NULL);
    errno = 0;
    CHECK("EINTR", read(p[0], &c, 1) == -1 && errno == EINTR);
    siginterrupt(SIGALRM, 0);
    if (fork() == 0) {
        struct timespec t = {0, 100000000};
        nanosleep(&t, NULL);
        if (write(p[1], "w", 1) != 1)
            _exit(1);
        _exit(0);
    }
    timer_settime(timer, 0, &once, NULL);
    CHECK("SA_RESTART", read(p[0], &c, 1) == 1 && c == 'w');
    DONE();
}
