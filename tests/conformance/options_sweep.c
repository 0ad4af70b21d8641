/* Every option number of a level: what is read from a fresh socket, what five values and short lengths answer when set, and what
 * is read back. Options that cannot be compared so are skipped by name, with the reason. */
#include "case.h"

struct skip {
    int level, name;
    const char *why;
};

static const struct skip skips[] = {
    {SOL_SOCKET, SO_BINDTOIFINDEX, "indexes differ"},
    {SOL_SOCKET, 50, "SO_ATTACH_BPF: there are no kernel programs to look up"},
    {SOL_SOCKET, 52, "SO_ATTACH_REUSEPORT_EBPF: likewise"},
    {SOL_SOCKET, 51, "SO_ATTACH_REUSEPORT_CBPF: sockets of a group are chosen by hash"},
    {SOL_SOCKET, 60, "SO_ZEROCOPY: refused"},
    {SOL_SOCKET, 73, "SO_RESERVE_MEM: depends on memory cgroups"},
    {SOL_SOCKET, 75, "SO_RCVMARK: no marks"},
    {SOL_SOCKET, 80, "SO_DEVMEM_DONTNEED: no device memory"},
    {SOL_SOCKET, 82, "SO_RCVPRIORITY: no priorities"},
    {IPPROTO_IP, IP_OPTIONS, "packets have no IP options"},
    {IPPROTO_IP, 16, "IP_IPSEC_POLICY: no IPsec"},
    {IPPROTO_IP, 17, "IP_XFRM_POLICY: no IPsec"},
    {IPPROTO_IP, 19, "IP_TRANSPARENT: refused"},
    {IPPROTO_TCP, 13, "TCP_CONGESTION: the default is the host's"},
    {IPPROTO_TCP, 14, "TCP_MD5SIG: as on a kernel without"},
    {IPPROTO_TCP, 19, "TCP_REPAIR: as without CAP_NET_ADMIN"},
    {IPPROTO_TCP, 24, "TCP_TIMESTAMP: a clock"},
    {IPPROTO_TCP, 26, "TCP_CC_INFO: the default algorithm is the host's"},
    {IPPROTO_TCP, 32, "TCP_MD5SIG_EXT: as on a kernel without"},
    {IPPROTO_TCP, 44, "TCP_RTO_MAX_MS: the kernel rounds to ticks"},
    {IPPROTO_TCP, 45, "TCP_RTO_MIN_US: likewise"},
    {IPPROTO_TCP, 46, "TCP_DELACK_MAX_US: likewise"},
    {IPPROTO_UDP, 100, "UDP_ENCAP: as on a kernel without"},
};

static const char *error(int result) { return result < 0 ? strerrorname_np(errno) : "ok"; }

static void sweep(int domain, int type, int protocol, int level, int first, int last) {
    static const int values[] = {0, 1, 3, -1, 77777};
    for (int name = first; name <= last; name++) {
        int skipped = 0;
        for (size_t i = 0; i < sizeof skips / sizeof *skips; i++) skipped |= skips[i].level == level && skips[i].name == name;
        if (skipped) continue;
        char line[512];
        int n = 0, v = 0x5a5a5a5a;
        socklen_t len = sizeof v;
        int fd = socket(domain, type, protocol);
        int result = getsockopt(fd, level, name, &v, &len);
        n += snprintf(line + n, sizeof line - n, "%s", error(result));
        if (result == 0) n += snprintf(line + n, sizeof line - n, " %d length %u", v, len);
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            int s = socket(domain, type, protocol);
            v = values[i];
            result = setsockopt(s, level, name, &v, sizeof v);
            n += snprintf(line + n, sizeof line - n, "; %d %s", values[i], error(result));
            len = sizeof v;
            v = 0x5a5a5a5a;
            if (result == 0 && getsockopt(s, level, name, &v, &len) == 0)
                n += snprintf(line + n, sizeof line - n, " reads %d", v);
            close(s);
        }
        v = 1;
        n += snprintf(line + n, sizeof line - n, "; a byte %s", error(setsockopt(fd, level, name, &v, 1)));
        snprintf(line + n, sizeof line - n, "; nothing %s", error(setsockopt(fd, level, name, &v, 0)));
        printf("%d %d: %s\n", level, name, line);
        close(fd);
    }
}

/* Read with room for 1, 2, 3 and 64 bytes. */
static void lengths(int domain, int type, int level, int first, int last) {
    static const socklen_t rooms[] = {0, 1, 2, 3, 64};
    for (int name = first; name <= last; name++) {
        int skipped = name == SO_COOKIE && level == SOL_SOCKET;
        skipped |= level == SOL_SOCKET && (name == 71 || name == 47);
        skipped |= level == IPPROTO_TCP && (name == TCP_INFO || name == TCP_CONGESTION || name == 26 || name == 24 || name == 35);
        if (skipped) continue;
        int fd = socket(domain, type, 0);
        printf("%d %d:", level, name);
        for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
            unsigned char room[64] = {0};
            socklen_t len = rooms[i];
            int result = getsockopt(fd, level, name, room, &len);
            printf(" %s", error(result));
            if (result == 0) printf(" %u", len);
        }
        putchar('\n');
        close(fd);
    }
}

CASE(stream_of_level_socket) { sweep(AF_INET, SOCK_STREAM, 0, SOL_SOCKET, 0, 100); }
CASE(stream_of_level_ip) { sweep(AF_INET, SOCK_STREAM, 0, IPPROTO_IP, 0, 34); }
CASE(stream_of_level_ip_high) { sweep(AF_INET, SOCK_STREAM, 0, IPPROTO_IP, 49, 63); }
CASE(stream_of_level_tcp) { sweep(AF_INET, SOCK_STREAM, 0, IPPROTO_TCP, 0, 60); }
CASE(stream_of_level_udp) { sweep(AF_INET, SOCK_STREAM, 0, IPPROTO_UDP, 98, 106); }
CASE(datagram_of_level_socket) { sweep(AF_INET, SOCK_DGRAM, 0, SOL_SOCKET, 0, 100); }
CASE(datagram_of_level_ip) { sweep(AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, 0, 31); }
CASE(datagram_of_level_ip_high) { sweep(AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, 49, 63); }
CASE(datagram_of_level_udp) { sweep(AF_INET, SOCK_DGRAM, 0, IPPROTO_UDP, 0, 120); }
CASE(datagram_of_level_tcp) { sweep(AF_INET, SOCK_DGRAM, 0, IPPROTO_TCP, 0, 5); }
CASE(mapped_stream_of_level_ip) { sweep(AF_INET6, SOCK_STREAM, 0, IPPROTO_IP, 1, 15); }
CASE(mapped_stream_of_level_ipv6) {
    static const int names[] = {2, 3, 4, 5, 8, 11, 16, 19, 23, 25, 26, 29, 30, 33, 49, 51, 53, 56, 58, 60, 66, 67, 73, 74, 78};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sweep(AF_INET6, SOCK_STREAM, 0, IPPROTO_IPV6, names[i], names[i]);
}
CASE(no_such_level) { sweep(AF_INET, SOCK_STREAM, 0, 999, 0, 2); }
CASE(room_for_answers_of_level_socket) { lengths(AF_INET, SOCK_STREAM, SOL_SOCKET, 0, 100); }
CASE(room_for_answers_of_level_ip) { lengths(AF_INET, SOCK_DGRAM, IPPROTO_IP, 0, 31); }
CASE(room_for_answers_of_level_tcp) { lengths(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, 50); }
CASE(room_for_answers_of_level_udp) { lengths(AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0, 110); }

/* The first socket starts the stack, which needs what root may do; then this is nobody. */
static void be_nobody(void) {
    tcp();
    if (setresuid(65534, 65534, 65534) < 0) printf("setresuid: %s\n", strerrorname_np(errno));
}

CASE(unprivileged_stream_of_level_socket) {
    be_nobody();
    sweep(AF_INET, SOCK_STREAM, 0, SOL_SOCKET, 0, 100);
}
CASE(unprivileged_stream_of_level_tcp) {
    be_nobody();
    sweep(AF_INET, SOCK_STREAM, 0, IPPROTO_TCP, 0, 41);
}
CASE(unprivileged_datagram_of_level_ip) {
    be_nobody();
    sweep(AF_INET, SOCK_DGRAM, 0, IPPROTO_IP, 0, 31);
}
