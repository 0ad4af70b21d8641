/* epoll_wait into memory that cannot be written: EFAULT, and what was ready stays ready, edges and oneshots too (ep_send_events). */
#include "case.h"
#include <sys/mman.h>

/* 12 or 16 bytes of room, as the machine has it, before an unmapped page. */
static struct epoll_event *bad, *one_fits;

static void pages(void) {
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(two + 4096, 4096);
    bad = (void *)(two + 4096);
    one_fits = (void *)(two + 4096 - sizeof *one_fits);
}

/* The compiler shall not look at what it is given. */
__attribute__((noinline)) static int wait_into(int set, void *volatile events, volatile int room, int ms) {
    return epoll_wait(set, events, room, ms);
}

static void add(int set, int fd, uint32_t events, uint32_t data) {
    struct epoll_event e = {.events = events, .data.u32 = data};
    TRY("add", epoll_ctl(set, EPOLL_CTL_ADD, fd, &e));
}

static void look(const char *what, int set) {
    struct epoll_event e[4] = {0};
    int n = epoll_wait(set, e, 4, 0);
    int seen[4] = {0};
    for (int i = 0; i < n; i++) seen[e[i].data.u32 & 3] = (int)e[i].events;
    say(what, "%d events: %x %x %x", n, seen[1], seen[2], seen[3]);
}

static void with(uint32_t flags) {
    pages();
    int set = epoll_create1(0), fd = udp();
    add(set, fd, EPOLLOUT | flags, 1);
    TRY("bad", wait_into(set, bad, 1, 0));
    TRY("bad once more", wait_into(set, bad, 5, 1000));
    look("good", set);
    look("again", set);
}

CASE(epoll_bad_level) { with(0); }
CASE(epoll_bad_edge) { with(EPOLLET); }
CASE(epoll_bad_oneshot) { with(EPOLLONESHOT); }

CASE(epoll_bad_edge_of_data) {
    pages();
    int fd = dial(ECHO_PORT), set = epoll_create1(0);
    add(set, fd, EPOLLIN | EPOLLET, 1);
    TRY("nothing yet", wait_into(set, bad, 1, 0));
    send(fd, "x", 1, 0);
    TRY("bad", wait_into(set, bad, 1, 5000));
    look("good", set);
    look("again", set);
    char c;
    TRY("recv", recv(fd, &c, 1, 0));
    TRY("taken", wait_into(set, bad, 1, 0));
}

CASE(epoll_bad_both_worlds) {
    pages();
    int set = epoll_create1(0), fd = udp(), p[2];
    TRY("pipe", pipe(p));
    add(set, fd, EPOLLIN | EPOLLET, 1);
    add(set, p[0], EPOLLIN | EPOLLET, 2);
    TRY("nothing", wait_into(set, bad, 4, 20));
    TRY("write", write(p[1], "x", 1));
    TRY("bad", wait_into(set, bad, 4, 1000));
    look("the pipe", set);
    look("again", set);
    add(set, p[1], EPOLLOUT | EPOLLONESHOT, 3);
    TRY("bad", wait_into(set, bad, 4, 1000));
    look("the other end", set);
    look("again", set);
}

CASE(epoll_bad_second) {
    /* The first fits, the second does not: 1, and the second stays. */
    pages();
    int set = epoll_create1(0), a = udp(), b = udp();
    add(set, a, EPOLLOUT | EPOLLET, 1);
    add(set, b, EPOLLOUT | EPOLLET, 2);
    TRY("one", wait_into(set, one_fits, 2, 0));
    say("which", "%u", one_fits->data.u32);
    look("the other", set);
    look("again", set);
}

CASE(epoll_bad_room) {
    pages();
    int set = epoll_create1(0), fd = udp();
    add(set, fd, EPOLLOUT, 1);
    TRY("no room", wait_into(set, bad, 0, 0));
    TRY("negative", wait_into(set, bad, -1, 0));
    TRY("of the kernel", wait_into(set, (void *)-4096L, 1, 0));
    TRY("null", wait_into(set, NULL, 1, 0));
    TRY("delete", epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL));
    TRY("nothing to tell", wait_into(set, bad, 1, 10));
    TRY("nothing to tell, null", wait_into(set, NULL, 1, 0));
}
