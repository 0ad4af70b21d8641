/* Calls that a fortified program (-D_FORTIFY_SOURCE) makes in place of read, recv and recvfrom: on our sockets and on a netlink socket,
 * whose answers are this host's too. By name, so that no compiler's level of optimisation decides whether they are made. */
#include "case.h"
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __recv_chk(int, void *, size_t, size_t, int);
ssize_t __recvfrom_chk(int, void *, size_t, size_t, int, struct sockaddr *, socklen_t *);

/* Asks for the links by name order of the kernel and waits for the answer. */
static int asked(void) {
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    struct {
        struct nlmsghdr h;
        struct ifaddrmsg a;
    } q = {{sizeof q, RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 9, 0}, {.ifa_family = AF_INET}};
    struct pollfd p = {.fd = fd, .events = POLLIN};
    OK("ask", send(fd, &q, sizeof q, 0));
    TRY("wait", poll(&p, 1, 3000));
    return fd;
}

/* Says which of the host's own addresses are in the answer. */
static void show(const char *how, const char *b, ssize_t n) {
    int own = 0, other = 0;
    for (struct nlmsghdr *h = (void *)b; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
        if (h->nlmsg_type != RTM_NEWADDR) continue;
        struct ifaddrmsg *a = NLMSG_DATA(h);
        int left = (int)IFA_PAYLOAD(h);
        for (struct rtattr *r = IFA_RTA(a); RTA_OK(r, left); r = RTA_NEXT(r, left)) {
            if (r->rta_type != IFA_LOCAL) continue;
            if (!memcmp(RTA_DATA(r), &own_ip, 4)) own++;
            else if (*(unsigned char *)RTA_DATA(r) != 127) other++;
        }
    }
    say(how, "own address %d, others %d", own, other);
}

CASE(fortified_netlink) {
    static char b[65536];
    int fd = asked();
    show("__read_chk", b, __read_chk(fd, b, sizeof b, sizeof b));
    fd = asked();
    show("__recv_chk", b, __recv_chk(fd, b, sizeof b, sizeof b, 0));
    fd = asked();
    struct sockaddr_nl from = {.nl_pid = 7};
    socklen_t len = sizeof from;
    ssize_t n = __recvfrom_chk(fd, b, sizeof b, sizeof b, 0, (void *)&from, &len);
    show("__recvfrom_chk", b, n);
    say("from", "family %d pid %u len %u", from.nl_family, from.nl_pid, len);
}

CASE(fortified_stream) {
    char b[16];
    int fd = dial(HELLO);
    TRY("__read_chk", __read_chk(fd, b, 2, sizeof b));
    TRY("__recv_chk", __recv_chk(fd, b, 1, sizeof b, MSG_PEEK));
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    TRY("__recvfrom_chk", __recvfrom_chk(fd, b, 1, sizeof b, 0, (void *)&from, &len));
}
