/* ioctl: queues, and the interfaces of the host. Names and indexes of devices differ, so they are not printed. */
#include "case.h"
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>

static int count(int fd, unsigned long request) {
    int n = -77;
    return ioctl(fd, request, &n) < 0 ? -errno : n;
}

/* The device that has our address. */
static struct ifreq own(int fd) {
    struct ifreq list[16];
    struct ifconf c = {.ifc_len = sizeof list, .ifc_req = list};
    ioctl(fd, SIOCGIFCONF, &c);
    for (int i = 0; i < c.ifc_len / (int)sizeof *list; i++)
        if (((struct sockaddr_in *)&list[i].ifr_addr)->sin_addr.s_addr == own_ip.s_addr) return list[i];
    printf("no device has our address\n");
    exit(1);
}

static const char *address(struct ifreq *r) {
    struct sockaddr_in *a = (void *)&r->ifr_addr;
    return a->sin_family == AF_INET ? inet_ntoa(a->sin_addr) : "not AF_INET";
}

CASE(queues_of_a_stream) {
    int fd = dial(HELLO);
    until(fd, POLLRDHUP);
    say("FIONREAD", "%d", count(fd, FIONREAD));
    char buf[2];
    read(fd, buf, 2);
    say("SIOCINQ", "%d", count(fd, SIOCINQ));
    say("SIOCOUTQ", "%d", count(fd, SIOCOUTQ));
    say("SIOCOUTQNSD", "%d", count(fd, SIOCOUTQNSD));
    say("SIOCATMARK", "%d", count(fd, SIOCATMARK));
    TRY("no pointer", ioctl(fd, FIONREAD, NULL));
}
CASE(queues_that_are_full) {
    int fd = dial(IGNORE);
    nonblocking(fd);
    char buf[65536] = {0};
    while (send(fd, buf, sizeof buf, 0) > 0) {}
    say("SIOCOUTQ", "%d", count(fd, SIOCOUTQ) > 4096);
    say("SIOCOUTQNSD is a part of it", "%d", count(fd, SIOCOUTQNSD) > 0 && count(fd, SIOCOUTQNSD) <= count(fd, SIOCOUTQ));
}
CASE(queues_of_datagrams) {
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    say("empty", "%d", count(fd, FIONREAD));
    send(fd, "abc", 3, 0);
    send(fd, "defgh", 5, 0);
    settle();
    say("the first one", "%d", count(fd, FIONREAD));
    say("SIOCOUTQ", "%d", count(fd, SIOCOUTQ));
    say("SIOCOUTQNSD", "%d", count(fd, SIOCOUTQNSD));
    say("SIOCATMARK", "%d", count(fd, SIOCATMARK));
}
CASE(queues_without_a_connection) {
    int fd = tcp(), port, ls = listener(&port);
    say("closed", "%d %d %d", count(fd, FIONREAD), count(fd, SIOCOUTQ), count(fd, SIOCOUTQNSD));
    say("listening", "%d %d %d", count(ls, FIONREAD), count(ls, SIOCOUTQ), count(ls, SIOCOUTQNSD));
}
CASE(fionbio) {
    int fd = dial(ECHO_PORT);
    char buf[8];
    TRY("on", ioctl(fd, FIONBIO, &(int){1}));
    say("flag", "%d", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    TRY("read", read(fd, buf, sizeof buf));
    TRY("off", ioctl(fd, FIONBIO, &(int){0}));
    say("flag", "%d", (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    write(fd, "x", 1);
    TRY("blocking read", read(fd, buf, sizeof buf));
    TRY("no pointer", ioctl(fd, FIONBIO, NULL));
}
CASE(interface_list) {
    int fd = udp();
    struct ifreq list[16];
    struct ifconf c = {.ifc_len = sizeof list, .ifc_req = list};
    TRY("SIOCGIFCONF", ioctl(fd, SIOCGIFCONF, &c));
    say("entries", "%d", c.ifc_len / (int)sizeof *list);
    say("first", "%s %s", list[0].ifr_name, address(&list[0]));
    say("second", "%s", address(&list[1]));
    c.ifc_len = sizeof *list + 10;
    TRY("room for one", ioctl(fd, SIOCGIFCONF, &c));
    say("length", "%d", c.ifc_len == (int)sizeof *list);
    c = (struct ifconf){.ifc_len = 0, .ifc_req = NULL};
    TRY("how much", ioctl(fd, SIOCGIFCONF, &c));
    say("length", "%d", c.ifc_len / (int)sizeof *list);
}
CASE(interface_of_our_address) {
    int fd = tcp();
    struct ifreq r = own(fd);
    TRY("SIOCGIFADDR", ioctl(fd, SIOCGIFADDR, &r));
    say("address", "%s", address(&r));
    TRY("SIOCGIFNETMASK", ioctl(fd, SIOCGIFNETMASK, &r));
    say("netmask", "%s", address(&r));
    TRY("SIOCGIFDSTADDR", ioctl(fd, SIOCGIFDSTADDR, &r));
    say("destination", "%s", address(&r));
    TRY("SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &r));
    say("flags", "%x", (unsigned short)r.ifr_flags);
    TRY("SIOCGIFMTU", ioctl(fd, SIOCGIFMTU, &r));
    say("mtu", "%d", r.ifr_mtu);
    TRY("SIOCGIFMETRIC", ioctl(fd, SIOCGIFMETRIC, &r));
    say("metric", "%d", r.ifr_metric);
    TRY("SIOCGIFTXQLEN", ioctl(fd, SIOCGIFTXQLEN, &r));
    say("queue", "%d", r.ifr_qlen);
    TRY("SIOCGIFHWADDR", ioctl(fd, SIOCGIFHWADDR, &r));
    say("hardware", "%d, group %d", r.ifr_hwaddr.sa_family, r.ifr_hwaddr.sa_data[0] & 1);
    TRY("SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &r));
    struct ifreq name = {.ifr_ifindex = r.ifr_ifindex};
    TRY("SIOCGIFNAME", ioctl(fd, SIOCGIFNAME, &name));
    say("is it", "%d", strcmp(name.ifr_name, r.ifr_name) == 0);
    TRY("SIOCGIFSLAVE", ioctl(fd, SIOCGIFSLAVE, &r));
    TRY("SIOCGIFMEM", ioctl(fd, SIOCGIFMEM, &r));
}
CASE(interface_lo) {
    int fd = udp();
    struct ifreq r = {.ifr_name = "lo"};
    TRY("SIOCGIFADDR", ioctl(fd, SIOCGIFADDR, &r));
    say("address", "%s", address(&r));
    TRY("SIOCGIFNETMASK", ioctl(fd, SIOCGIFNETMASK, &r));
    say("netmask", "%s", address(&r));
    TRY("SIOCGIFBRDADDR", ioctl(fd, SIOCGIFBRDADDR, &r));
    say("broadcast", "%s", address(&r));
    TRY("SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &r));
    say("flags", "%x", (unsigned short)r.ifr_flags);
    TRY("SIOCGIFMTU", ioctl(fd, SIOCGIFMTU, &r));
    say("mtu", "%d", r.ifr_mtu);
    TRY("SIOCGIFINDEX", ioctl(fd, SIOCGIFINDEX, &r));
    say("index", "%d", r.ifr_ifindex);
    TRY("SIOCGIFHWADDR", ioctl(fd, SIOCGIFHWADDR, &r));
    say("hardware", "%d", r.ifr_hwaddr.sa_family);
}
CASE(interface_unknown) {
    int fd = udp();
    static const unsigned long requests[] = {SIOCGIFADDR, SIOCGIFFLAGS, SIOCGIFINDEX, SIOCGIFMTU, SIOCGIFHWADDR, SIOCGIFTXQLEN};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        struct ifreq r = {.ifr_name = "nosuch0"};
        TRY("nosuch0", ioctl(fd, requests[i], &r));
    }
    struct ifreq r = {.ifr_ifindex = 9999};
    TRY("SIOCGIFNAME", ioctl(fd, SIOCGIFNAME, &r));
    TRY("no pointer", ioctl(fd, SIOCGIFADDR, NULL));
    r = (struct ifreq){.ifr_name = "nosuch0"};
    TRY("SIOCSIFFLAGS", ioctl(fd, SIOCSIFFLAGS, &r));
}
CASE(interface_asked_by_a_stream) {
    int fd = dial(ECHO_PORT);
    struct ifreq r = own(fd);
    TRY("SIOCGIFADDR", ioctl(fd, SIOCGIFADDR, &r));
    say("address", "%s", address(&r));
}
CASE(neighbour) {
    int fd = udp();
    connect_to(fd, peer_ip, ECHO_PORT);
    send(fd, "x", 1, 0);
    sleep_until_readable(fd);
    struct arpreq r = {0};
    struct sockaddr_in a = at(peer_ip, 0);
    memcpy(&r.arp_pa, &a, sizeof a);
    strcpy(r.arp_dev, own(fd).ifr_name);
    TRY("SIOCGARP", ioctl(fd, SIOCGARP, &r));
    say("entry", "%d flags %x", r.arp_ha.sa_family, r.arp_flags);
    a = at((struct in_addr){htonl(ntohl(peer_ip.s_addr) + 99)}, 0);
    memcpy(&r.arp_pa, &a, sizeof a);
    TRY("a stranger", ioctl(fd, SIOCGARP, &r));
    r.arp_pa.sa_family = AF_UNIX;
    TRY("another family", ioctl(fd, SIOCGARP, &r));
    r.arp_pa.sa_family = AF_INET;
    strcpy(r.arp_dev, "nosuch0");
    TRY("another device", ioctl(fd, SIOCGARP, &r));
}
CASE(unknown_request) {
    TRY("0x1234", ioctl(udp(), 0x1234, 0));
    TRY("tty's", ioctl(tcp(), 0x5413, (char[64]){0}));
}
