/* What the epoll cases share. */
#ifndef EPOLL_CASE_H
#define EPOLL_CASE_H
#include "case.h"
#include <sys/eventfd.h>

/* What a look at the set reports: tag and events of each. Time in milliseconds. */
static void events(const char *what, int ep, int room, int ms) {
    struct epoll_event ev[64];
    errno = 0;
    int n = epoll_wait(ep, ev, room, ms);
    if (n < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    printf("%s: %d", what, n);
    for (int i = 0; i < n; i++) printf(" %u:%s", (unsigned)ev[i].data.u32, bits((int)ev[i].events));
    putchar('\n');
}

static int watch(int ep, int op, int fd, unsigned what, unsigned tag) {
    struct epoll_event ev = {what, {.u64 = tag}};
    return epoll_ctl(ep, op, fd, &ev);
}

static int add(int ep, int fd, unsigned what, unsigned tag) { return watch(ep, EPOLL_CTL_ADD, fd, what, tag); }
static int mod(int ep, int fd, unsigned what, unsigned tag) { return watch(ep, EPOLL_CTL_MOD, fd, what, tag); }
static int del(int ep, int fd) { return epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL); }

/* Has the echo service answer, and waits until the answer is here without a look at any set. */
static inline void echo(int fd, const char *text) {
    if (write(fd, text, strlen(text)) < 0) printf("echo: %s\n", strerrorname_np(errno));
    struct pollfd p = {fd, POLLIN, 0};
    poll(&p, 1, 5000);
}

static inline void drain(int fd) {
    char buf[4096];
    while (recv(fd, buf, sizeof buf, MSG_DONTWAIT) > 0) {}
}
#endif
