/* pthread_cancel of a thread that waits on a socket: its clean-up handlers run, and the socket goes on. */
#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

static int listener, udp;
static volatile int cleaned;

static void clean(void *what)
{
    (void)what;
    cleaned++;
}

static void *in_accept(void *x)
{
    pthread_cleanup_push(clean, NULL);
    accept(listener, NULL, NULL);
    pthread_cleanup_pop(0);
    return x;
}

static void *in_recv(void *x)
{
    char c;
    pthread_cleanup_push(clean, NULL);
    recv(udp, &c, 1, 0);
    pthread_cleanup_pop(0);
    return x;
}

static void *in_poll(void *x)
{
    struct pollfd p[2] = {{listener, POLLIN, 0}, {udp, POLLIN, 0}};
    pthread_cleanup_push(clean, NULL);
    poll(p, 2, -1);
    pthread_cleanup_pop(0);
    return x;
}

static void *in_read_of_a_pipe(void *x)
{
    char c;
    pthread_cleanup_push(clean, NULL);
    if (read(*(int *)x, &c, 1) < 0)
        perror("read");
    pthread_cleanup_pop(0);
    return NULL;
}

static void cancelled(const char *name, void *(*body)(void *), void *argument)
{
    pthread_t t;
    void *result = NULL;
    cleaned = 0;
    pthread_create(&t, NULL, body, argument);
    usleep(100000);
    pthread_cancel(t);
    pthread_join(t, &result);
    CHECK(name, result == PTHREAD_CANCELED && cleaned == 1);
}

int main(void)
{
    int p[2];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(4567)};
    socklen_t n = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    udp = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK("bind", !bind(listener, (void *)&a, sizeof a) && !listen(listener, 5) && !bind(udp, (void *)&a, sizeof a));
    if (pipe(p))
        return 2;
    for (int i = 0; i < 3; i++) {
        cancelled("accept", in_accept, NULL);
        cancelled("recv", in_recv, NULL);
        cancelled("poll", in_poll, NULL);
        cancelled("read of a pipe", in_read_of_a_pipe, &p[0]);
    }
    CHECK("the listener lives", !getsockname(listener, (void *)&a, &n) && ntohs(a.sin_port) == 4567);
    struct pollfd q = {listener, POLLIN, 0};
    CHECK("and can be polled", poll(&q, 1, 10) == 0);
    CHECK("and closed", close(listener) == 0 && close(udp) == 0);
    DONE();
}
