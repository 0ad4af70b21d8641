/* Bad pointers beside the faults and handlers that programs have of their own: stacks that run over, handlers on another stack, handlers
 * that make calls with bad pointers themselves, signals that come while a call finds one out. */
#include "case.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

static char *hole;
static sigjmp_buf back;
static volatile sig_atomic_t count, result, on_stack;
static int sock;
static char other[1 << 16];

static void prepare(void) {
    hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sock = dial(DISCARD);
    stack_t s = {.ss_sp = other, .ss_size = sizeof other};
    sigaltstack(&s, NULL);
}

static void catch(int sig, void (*handler)(int), int flags) {
    struct sigaction a = {.sa_handler = handler, .sa_flags = flags};
    sigaction(sig, &a, NULL);
}

static void leap(int sig) {
    char here;
    on_stack = &here >= other && &here < other + sizeof other;
    siglongjmp(back, sig);
}

__attribute__((noinline)) static int deeper(volatile char *above) {
    volatile char room[1024];
    room[0] = above[0];
    if (room[0] == 2) return 0;
    return deeper(room) + room[0];
}

CASE(fault_stack_overflow) {
    prepare();
    struct rlimit small = {256 << 10, RLIM_INFINITY};
    setrlimit(RLIMIT_STACK, &small);
    catch(SIGSEGV, leap, SA_ONSTACK);
    for (int i = 0; i < 3; i++) {
        TRY("a bad pointer", send(sock, hole, 10, 0));
        int sig = sigsetjmp(back, 1);
        if (sig == 0) deeper(&(volatile char){1});
        say("overflow", "%s on %s", strsignal(sig), on_stack ? "the other stack" : "this stack");
    }
    TRY("the socket still works", send(sock, "x", 1, 0));
}

static void calls(int sig) {
    (void)sig;
    count++;
    result = send(sock, hole, 10, 0) < 0 ? errno : 0;
}

CASE(fault_in_handlers) {
    prepare();
    static const int flags[] = {0, SA_ONSTACK, SA_RESTART, SA_NODEFER | SA_ONSTACK, SA_RESETHAND};
    for (int i = 0; i < 5; i++) {
        catch(SIGUSR1, calls, flags[i]);
        raise(SIGUSR1);
        say("in a handler", "%d, %s", (int)count, strerrorname_np(result));
    }
}

static void in_a_fault(int sig) {
    calls(sig);
    siglongjmp(back, sig);
}

CASE(fault_handler_calls) {
    prepare();
    catch(SIGSEGV, in_a_fault, SA_NODEFER | SA_ONSTACK);
    for (int i = 0; i < 3; i++) {
        if (sigsetjmp(back, 1) == 0) *(volatile char *)hole = 1;
        say("after a fault", "%d, %s", (int)count, strerrorname_np(result));
    }
    TRY("outside", send(sock, hole, 10, 0));
    say("not called", "%d", (int)count);
}

static void ticks(int sig) {
    (void)sig;
    count++;
    char c;
    int saved = errno;
    recv(sock, &c, 1, MSG_DONTWAIT);
    send(sock, hole, 1, 0);
    errno = saved;
}

CASE(fault_while_signals_come) {
    prepare();
    catch(SIGALRM, ticks, SA_RESTART);
    struct itimerval t = {{0, 500}, {0, 500}};
    setitimer(ITIMER_REAL, &t, NULL);
    long wrong = 0, rounds = 0;
    for (long end = now_ms() + 1000; now_ms() < end; rounds++) {
        wrong += send(sock, hole, 10, 0) != -1 || errno != EFAULT;
        wrong += send(sock, "x", 1, 0) != 1;
    }
    memset(&t, 0, sizeof t);
    setitimer(ITIMER_REAL, &t, NULL);
    say("wrong", "%ld", wrong);
    say("handlers", "%s", count > 50 && rounds > 50 ? "many" : "few");
}

static void *bad_calls(void *arg) {
    long wrong = 0;
    for (int i = 0; i < 2000; i++) wrong += send(sock, arg, 10, 0) != -1 || errno != EFAULT;
    return (void *)wrong;
}

CASE(fault_threads) {
    prepare();
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, bad_calls, i & 1 ? hole : (char *)-4096L);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(t[i], &wrong);
        say("wrong", "%ld", (long)wrong);
    }
    TRY("the socket still works", send(sock, "x", 1, 0));
}

static void counts(int sig) {
    (void)sig;
    count++;
}

/* One that is sent is no fault, wherever the thread is. */
CASE(fault_sent) {
    prepare();
    catch(SIGSEGV, counts, SA_RESTART | SA_NODEFER);
    for (int i = 0; i < 10; i++) {
        kill(getpid(), SIGSEGV);
        TRY("a bad pointer", send(sock, hole, 10, 0));
    }
    say("sent", "%d", (int)count);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGSEGV);
    TRY("a good pointer while it is blocked", send(sock, "x", 1, 0));
    say("still", "%d", (int)count);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    say("let in", "%d", (int)count);
}
