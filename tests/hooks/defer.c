/* A handler that uses the library while its thread is inside it: nothing hangs, nothing is lost, real-time signals keep
 * their order and their values. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static int sock = -1, other = -1;
static struct sockaddr_in to;
static volatile sig_atomic_t alarms, queued, disorder, last;
static volatile sig_atomic_t sending;
static volatile int hit;

static void on_alarm(int sig)
{
    char c[64];
    (void)sig;
    alarms++;
    if (sending)
        hit = 1;
    sendto(other, "handler", 7, MSG_DONTWAIT, (void *)&to, sizeof to);
    recv(sock, c, sizeof c, MSG_DONTWAIT);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s >= 0)
        close(s);
}

static void on_queued(int sig, siginfo_t *info, void *context)
{
    (void)sig;
    (void)context;
    if (info->si_value.sival_int != last + 1)
        disorder++;
    last = info->si_value.sival_int;
    queued++;
}

static void *queue(void *thread)
{
    for (int i = 1; i <= 2000; i++) {
        union sigval v = {.sival_int = i};
        while (pthread_sigqueue(*(pthread_t *)thread, SIGRTMIN + 3, v) == EAGAIN)
            usleep(100);
        if (i % 50 == 0)
            usleep(2000);
    }
    return NULL;
}

int main(void)
{
    struct sigaction a = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct timespec begin, now;

    sock = socket(AF_INET, SOCK_DGRAM, 0);
    other = socket(AF_INET, SOCK_DGRAM, 0);
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    inet_pton(AF_INET, "10.88.45.1", &to.sin_addr);
    sigaction(SIGALRM, &a, NULL);
    a.sa_sigaction = on_queued;
    a.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGRTMIN + 3, &a, NULL);

    pthread_t self = pthread_self(), t;
    sigset_t block;
    sigfillset(&block);
    pthread_sigmask(SIG_SETMASK, &block, NULL);
    pthread_create(&t, NULL, queue, &self);
    sigemptyset(&block);
    pthread_sigmask(SIG_SETMASK, &block, NULL);

    struct itimerval every = {{0, 200}, {0, 200}};
    setitimer(ITIMER_REAL, &every, NULL);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do {
        sending = 1;
        for (int i = 0; i < 100; i++)
            sendto(sock, "main", 4, MSG_DONTWAIT, (void *)&to, sizeof to);
        sending = 0;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec < begin.tv_sec + 2);
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    pthread_join(t, NULL);
    usleep(20000);
    CHECK("alarms ran", alarms > 500);
    CHECK("while sending", hit);
    CHECK("none is lost", queued == 2000);
    CHECK("in order", disorder == 0);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    int blocked = 0;
    for (int i = 1; i < 65; i++)
        blocked += sigismember(&mask, i) == 1;
    CHECK("the mask is back", blocked == 0);
    DONE();
}
