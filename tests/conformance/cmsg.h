/* Control messages, printed. */
#ifndef CMSG_H
#define CMSG_H
#include "case.h"
#include <linux/errqueue.h>
#include <net/if.h>

static inline int on(int fd, int level, int name) {
    int one = 1;
    return setsockopt(fd, level, name, &one, sizeof one);
}

static inline const char *who(const void *ip) {
    if (!memcmp(ip, &own_ip, 4)) return "own";
    if (!memcmp(ip, &peer_ip, 4)) return "peer";
    static char text[INET_ADDRSTRLEN];
    return inet_ntop(AF_INET, ip, text, sizeof text);
}

static inline void show_error(const unsigned char *d, size_t len, int v6) {
    struct sock_extended_err e;
    memcpy(&e, d, sizeof e);
    printf(" %s origin %d type %d code %d pad %d info %u data %u", strerrorname_np((int)e.ee_errno), e.ee_origin, e.ee_type, e.ee_code,
           e.ee_pad, e.ee_info, e.ee_data);
    if (v6) {
        struct sockaddr_in6 a;
        memcpy(&a, d + sizeof e, sizeof a);
        printf(" offender %d %s port %d", a.sin6_family, who(a.sin6_addr.s6_addr + 12), a.sin6_port);
    } else {
        struct sockaddr_in a;
        memcpy(&a, d + sizeof e, sizeof a);
        printf(" offender %d %s port %d", a.sin_family, who(&a.sin_addr), a.sin_port);
    }
    printf(" (%zu)", len);
}

/* Whether a time is within ten seconds of now. */
static inline const char *recent(long seconds) { return labs(seconds - time(NULL)) <= 10 ? "now" : seconds ? "odd" : "none"; }

static inline int is_our_index(int index) {
    char name[IF_NAMESIZE] = "";
    return index > 1 && if_indextoname((unsigned)index, name) != NULL;
}

/* One line for the header, one for each control message. `port` is ours. */
static inline void show(const char *what, ssize_t n, struct msghdr *m, int port) {
    if (n < 0) {
        printf("%s: %s\n", what, strerrorname_np(errno));
        return;
    }
    printf("%s: %zd flags %#x controllen %zu namelen %u\n", what, n, m->msg_flags, (size_t)m->msg_controllen, m->msg_namelen);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        unsigned char d[256] = {0};
        size_t len = c->cmsg_len - CMSG_LEN(0);
        memcpy(d, CMSG_DATA(c), len < sizeof d ? len : sizeof d);
        printf("  level %d type %d len %zu:", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
        int v;
        long t[6];
        memcpy(&v, d, sizeof v);
        memcpy(t, d, sizeof t);
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
            printf(" ours %d spec %s addr %s", is_our_index(v), who(d + 4), who(d + 8));
        else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            memcpy(&v, d + 16, sizeof v);
            printf(" ours %d addr %02x%02x %s", is_our_index(v), d[10], d[11], who(d + 12));
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR)
            printf(" family %d addr %s port %s", d[0], who(d + 4), (d[2] << 8 | d[3]) == port ? "own" : "other");
        else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) show_error(d, len, 0);
        else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR) show_error(d, len, 1);
        else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type != SO_RXQ_OVFL) {
            printf(" %s %s", recent(t[0]), t[1] >= 0 && t[1] < 1000000000 ? "fraction" : "bad");
            if (len == 48) printf(" %ld %ld %ld %ld", t[2], t[3], t[4], t[5]);
        } else if (len == 1) printf(" %d", d[0]);
        else printf(" %d", v);
        putchar('\n');
    }
}

/* A UDP socket at a port of the system's choice. */
static inline int bound_udp(int *port) {
    int fd = udp();
    struct sockaddr_in a = at((struct in_addr){INADDR_ANY}, 0);
    socklen_t len = sizeof a;
    if (bind(fd, (void *)&a, sizeof a) < 0 || getsockname(fd, (void *)&a, &len) < 0) printf("bound_udp failed\n");
    *port = ntohs(a.sin_port);
    return fd;
}

/* Receives with `room` bytes for control messages and shows all of it. */
static inline ssize_t get(const char *what, int fd, size_t room, int flags, int port) {
    static _Alignas(8) char control[1024];
    static char data[65536];
    struct sockaddr_in6 from;
    struct iovec v = {data, sizeof data};
    memset(control, 0, sizeof control);
    struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                       .msg_controllen = room};
    if (!(flags & MSG_DONTWAIT)) sleep_until_readable(fd);
    errno = 0;
    ssize_t n = recvmsg(fd, &m, flags | MSG_DONTWAIT);
    show(what, n, &m, port);
    return n;
}
#endif
