/* Lookups among threads, signals, forks and cancellation. argv: a name that resolves, a name whose server never answers. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *good, *slow;
static volatile sig_atomic_t alarms;
static sigjmp_buf out;

static int resolves(const char *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    int e = getaddrinfo(name, "80", &hints, &list);
    if (e == 0) freeaddrinfo(list);
    return e;
}

static void *ask_slowly(void *arg) {
    (void)arg;
    resolves(slow);
    return "answered";
}

static void *ask_often(void *arg) {
    struct hostent h, *r;
    char buf[1024];
    int e;
    for (int i = 0; i < 50; i++)
        if (resolves(good) || gethostbyname_r(good, &h, buf, sizeof buf, &r, &e) || !r) return "failed";
    return arg;
}

static void on_alarm(int sig) {
    (void)sig;
    alarms++;
}

static void on_jump(int sig) {
    (void)sig;
    siglongjmp(out, 1);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    good = argv[1];
    slow = argv[2];
    printf("first: %d\n", resolves(good));
    int before = dup(0);
    close(before);

    pthread_t t[8];
    void *result;
    for (int i = 0; i < 8; i++) pthread_create(&t[i], NULL, ask_often, NULL);
    int failed = 0;
    for (int i = 0; i < 8; i++) {
        pthread_join(t[i], &result);
        failed += result != NULL;
    }
    printf("8 threads: %d failed\n", failed);

    for (int i = 0; i < 20; i++) {
        pthread_create(&t[0], NULL, ask_slowly, NULL);
        usleep(i == 0 ? 200000 : (useconds_t)i * 700);
        pthread_cancel(t[0]);
        pthread_join(t[0], &result);
        if (result != PTHREAD_CANCELED) printf("not cancelled: %s\n", (char *)result);
    }
    printf("after cancellation: %d\n", resolves(good));

    struct sigaction sa = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &sa, NULL);
    struct itimerval often = {{0, 50000}, {0, 50000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    int e = resolves(slow);
    setitimer(ITIMER_REAL, &never, NULL);
    printf("among signals: %s, %s\n", e == EAI_AGAIN ? "AGAIN" : gai_strerror(e), alarms > 5 ? "handled" : "not handled");

    sa.sa_handler = on_jump;
    sigaction(SIGALRM, &sa, NULL);
    if (sigsetjmp(out, 1) == 0) {
        struct itimerval once = {{0, 0}, {0, 200000}};
        setitimer(ITIMER_REAL, &once, NULL);
        resolves(slow);
        puts("no jump");
    } else {
        puts("jumped");
    }
    printf("after the jump: %d\n", resolves(good));
    int after = dup(0);
    printf("descriptors: %s\n", before == after ? "as before" : "more");
    fflush(stdout);
    return 0;
}
