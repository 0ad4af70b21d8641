/* A file through UDP_SEGMENT and UDP_GRO.
 *
 *   segments send ADDRESS PORT FILE BYTES [plain]   in datagrams of BYTES, as many in one sendmsg as go
 *   segments receive PORT FILE [plain]              plain: without UDP_GRO
 *
 * A datagram is its offset in the file and the offset at which its batch ends, 8 bytes each, and data. The receiver answers a
 * whole batch with the offset that it has reached; without the answer within a second the sender repeats the batch, and
 * gives up after five times. An offset of all ones is the end, answered in kind. The sender prints datagrams, calls and repeats; the receiver datagrams, calls and how many of
 * those brought several.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { HEADER = 16, LARGEST = 65507, DATAGRAMS = 40 };
static char buffer[1 << 17];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void put(char *at, uint64_t offset, uint64_t end) {
    memcpy(at, &offset, sizeof offset);
    memcpy(at + sizeof offset, &end, sizeof end);
}

static int sending(char **v, int plain) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(v[1]))};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), file = open(v[2], O_RDONLY), size = atoi(v[3]);
    struct timeval second = {1, 0};
    off_t length = lseek(file, 0, SEEK_END);
    if (!inet_aton(v[0], &to.sin_addr) || size <= HEADER || length < 0) return 2;
    if (connect(fd, (void *)&to, sizeof to) < 0) die("connect");
    if (!plain && setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size) < 0) die("UDP_SEGMENT");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    long datagrams = 0, calls = 0, repeats = 0;
    uint64_t begin = 0;
    int data = size - HEADER, count = DATAGRAMS < LARGEST / size ? DATAGRAMS : LARGEST / size;
    while (begin < (uint64_t)length) {
        uint64_t end = begin + (uint64_t)(data * count), offset = begin;
        if (end > (uint64_t)length) end = (uint64_t)length;
        size_t n = 0;
        while (offset < end) {
            size_t part = end - offset < (uint64_t)data ? end - offset : (size_t)data;
            put(buffer + n, offset, end);
            if (pread(file, buffer + n + HEADER, part, (off_t)offset) != (ssize_t)part) die("pread");
            n += HEADER + part;
            offset += part;
        }
        for (int attempt = 0;; attempt++) {
            if (attempt == 5) return fputs("no answer\n", stderr), 1;
            repeats += attempt > 0;
            for (size_t at = 0; at < n;) {
                size_t part = plain && n - at > (size_t)size ? (size_t)size : n - at;
                if (send(fd, buffer + at, part, 0) != (ssize_t)part) die("send");
                at += part;
                calls++;
            }
            datagrams += (long)((n + (size_t)size - 1) / (size_t)size);
            uint64_t reached = 0;
            while (recv(fd, &reached, sizeof reached, 0) == sizeof reached && reached < end) {}
            if (reached >= end) break;
        }
        begin = end;
    }
    put(buffer, UINT64_MAX, 0);
    // Answered, so that none arrives when the receiver has gone.
    for (int i = 0; i < 3; i++) {
        uint64_t reached = 0;
        send(fd, buffer, HEADER, 0);
        if (recv(fd, &reached, sizeof reached, 0) == sizeof reached && reached == UINT64_MAX) break;
    }
    printf("%ld datagrams %ld calls %ld repeats\n", datagrams, calls, repeats);
    return 0;
}

static int receiving(char **v, int plain) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(v[0]))}, from;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), file = open(v[1], O_WRONLY | O_CREAT | O_TRUNC, 0644), yes = 1;
    long datagrams = 0, calls = 0, several = 0;
    uint64_t reached = 0;
    if (bind(fd, (void *)&at, sizeof at) < 0) die("bind");
    if (!plain && setsockopt(fd, SOL_UDP, UDP_GRO, &yes, sizeof yes) < 0) die("UDP_GRO");
    for (;;) {
        char control[64];
        struct iovec i = {buffer, sizeof buffer};
        struct msghdr m = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &i,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        ssize_t n = recvmsg(fd, &m, 0);
        if (n < HEADER || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) die("recvmsg");
        int size = (int)n;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) memcpy(&size, CMSG_DATA(c), sizeof size);
        calls++;
        several += n > size;
        for (ssize_t o = 0; o < n; o += size) {
            uint64_t offset, end;
            ssize_t part = (n - o < size ? n - o : size) - HEADER;
            memcpy(&offset, buffer + o, sizeof offset);
            memcpy(&end, buffer + o + sizeof offset, sizeof end);
            if (offset == UINT64_MAX) {
                sendto(fd, &offset, sizeof offset, 0, (void *)&from, m.msg_namelen);
                printf("%ld datagrams %ld calls %ld several\n", datagrams, calls, several);
                return 0;
            }
            datagrams++;
            if (pwrite(file, buffer + o + HEADER, (size_t)part, (off_t)offset) != part) die("pwrite");
            if (offset == reached) reached += (uint64_t)part;
            if (reached == end) sendto(fd, &reached, sizeof reached, 0, (void *)&from, m.msg_namelen);
        }
    }
}

int main(int argc, char **argv) {
    int plain = argc > 1 && strcmp(argv[argc - 1], "plain") == 0;
    if (argc - plain == 6 && strcmp(argv[1], "send") == 0) return sending(argv + 2, plain);
    if (argc - plain == 4 && strcmp(argv[1], "receive") == 0) return receiving(argv + 2, plain);
    fputs("usage: segments send ADDRESS PORT FILE BYTES [plain] | receive PORT FILE [plain]\n", stderr);
    return 2;
}
