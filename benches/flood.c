/* UDP as fast as it goes, and what of it is delivered.
 *
 *   flood send ADDRESS PORT SECONDS BYTES [mmsg|segment]   prints "SENT SECONDS"
 *   flood receive PORT BYTES [mmsg|gro]                    prints "bound", and after the end mark a line
 *                                                          "DELIVERED SECONDS DUPLICATES REORDERED"
 *
 * A datagram is its number in 8 bytes and a pattern that follows from the number; the receiver compares every byte and
 * ends with status 1 at the first wrong one. The sender calls sendto for each, or sendmmsg for 32, or one sendmsg with
 * UDP_SEGMENT for as many as fit. The receiver calls recvfrom, or recvmmsg for 32, or recvmsg with UDP_GRO. After the last it repeats an end mark until the receiver must have seen it. The
 * receiver's seconds go from its first datagram to its last; loss is what was sent and not delivered, wherever it got lost.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32
#define LARGEST 1472
#define PERIOD 251 /* of the pattern: a prime, so that a datagram shifted by any power of two shows */
#define END UINT64_MAX
#define NUMBERS (1u << 28)
#define JOINED 65536 /* of datagrams that UDP_GRO leaves together */

static char pattern[LARGEST + PERIOD];
static char buffers[BATCH][LARGEST + 8];
static struct mmsghdr messages[BATCH];
static struct iovec vectors[BATCH];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int complain(const char *what)
{
    fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
    return 2;
}

static void fill(char *datagram, uint64_t number, size_t bytes)
{
    memcpy(datagram, &number, sizeof number);
    memcpy(datagram + sizeof number, pattern + number % PERIOD, bytes - sizeof number);
}

/* Sends one batch from `number` on; how many datagrams, or -1. */
static long batch(int fd, uint64_t number, size_t bytes, int how)
{
    static char large[65507];
    switch (how) {
    case 'm':
        for (int i = 0; i < BATCH; i++)
            fill(buffers[i], number + (uint64_t)i, bytes);
        return sendmmsg(fd, messages, BATCH, 0);
    case 's': {
        size_t count = sizeof large / bytes < 64 ? sizeof large / bytes : 64;
        char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
        struct iovec vector = {large, count * bytes};
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr *segment = CMSG_FIRSTHDR(&message);
        uint16_t size = (uint16_t)bytes;
        segment->cmsg_level = IPPROTO_UDP;
        segment->cmsg_type = UDP_SEGMENT;
        segment->cmsg_len = CMSG_LEN(sizeof size);
        memcpy(CMSG_DATA(segment), &size, sizeof size);
        for (size_t i = 0; i < count; i++)
            fill(large + i * bytes, number + i, bytes);
        return sendmsg(fd, &message, 0) < 0 ? -1 : (long)count;
    }
    default:
        fill(buffers[0], number, bytes);
        return send(fd, buffers[0], bytes, 0) < 0 ? -1 : 1;
    }
}

static int flood(struct sockaddr_in *at, double seconds, size_t bytes, int how)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    uint64_t sent = 0;
    if (connect(fd, (struct sockaddr *)at, sizeof *at))
        return complain("connect");
    double begin = now(), end = begin + seconds, at_end = begin;
    while (at_end < end && sent < NUMBERS - 64) {
        long n = batch(fd, sent, bytes, how);
        /* The kernel says so where a device's queue is full; the datagram is lost then, as elsewhere on the way. */
        if (n < 0 && errno != ENOBUFS)
            return complain("send");
        sent += n < 0 ? 1 : (uint64_t)n;
        at_end = now();
    }
    for (int i = 0; i < 20; i++) {
        usleep(20000);
        fill(buffers[0], END, bytes);
        send(fd, buffers[0], bytes, 0);
    }
    printf("%llu %.6f\n", (unsigned long long)sent, at_end - begin);
    return 0;
}

/* Receives with UDP_GRO; the bytes, and in *size how long each datagram of them is. */
static ssize_t joined(int fd, char *data, size_t *size)
{
    char control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec vector = {data, JOINED};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(fd, &message, 0);
    *size = n > 0 ? (size_t)n : 0;
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        int segment;
        memcpy(&segment, CMSG_DATA(c), sizeof segment);
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO && segment > 0)
            *size = (size_t)segment;
    }
    return n;
}

static int receive(struct sockaddr_in *at, size_t bytes, int how)
{
    static uint8_t seen[NUMBERS / 8];
    static char together[JOINED];
    const int one = 1;
    struct timeval patience = {.tv_sec = 20};
    uint64_t delivered = 0, duplicates = 0, reordered = 0, next = 0;
    double first = 0, last = 0;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (bind(fd, (struct sockaddr *)at, sizeof *at))
        return complain("bind");
    if (how == 'g' && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one))
        return complain("UDP_GRO");
    puts("bound");
    fflush(stdout);
    for (;;) {
        int count = 1;
        size_t size = 0;
        ssize_t n = 0;
        if (how == 'g') {
            n = joined(fd, together, &size);
            if (n <= 0)
                return complain("recvmsg");
            count = (int)(((size_t)n + size - 1) / size);
        } else if (how == 'm') {
            count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
            if (count <= 0)
                return complain("recvmmsg");
        } else {
            n = recvfrom(fd, buffers[0], sizeof buffers[0], 0, NULL, NULL);
            if (n < 0)
                return complain("recvfrom");
            messages[0].msg_len = (unsigned)n;
        }
        for (int i = 0; i < count; i++) {
            const char *datagram = how == 'g' ? together + (size_t)i * size : buffers[i];
            size_t length = messages[i % BATCH].msg_len;
            uint64_t number;
            if (how == 'g')
                length = i + 1 < count ? size : (size_t)n - (size_t)i * size;
            memcpy(&number, datagram, sizeof number);
            if (number == END) {
                printf("%llu %.6f %llu %llu\n", (unsigned long long)delivered, last - first, (unsigned long long)duplicates,
                       (unsigned long long)reordered);
                return 0;
            }
            if (length != bytes || number >= NUMBERS ||
                memcmp(datagram + sizeof number, pattern + number % PERIOD, bytes - sizeof number)) {
                fprintf(stderr, "flood: datagram %llu of %zu bytes is not what was sent\n", (unsigned long long)number, length);
                return 1;
            }
            if (seen[number / 8] & (1 << number % 8))
                duplicates++;
            else
                delivered++;
            seen[number / 8] |= (uint8_t)(1 << number % 8);
            reordered += number < next;
            next = number + 1;
        }
        last = now();
        if (first == 0)
            first = last;
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int receiving = argc > 3 && !strcmp(argv[1], "receive"), least = receiving ? 4 : 6;
    int how = argc == least + 1 ? argv[least][0] : 'p';
    size_t bytes = argc >= least ? (size_t)atol(argv[least - 1]) : 0;
    if ((argc != least && argc != least + 1) || bytes < sizeof(uint64_t) || bytes > LARGEST || !strchr(receiving ? "pmg" : "pms", how) ||
        (!receiving && (strcmp(argv[1], "send") || !inet_pton(AF_INET, argv[2], &at.sin_addr)))) {
        fprintf(stderr, "usage: flood send ADDRESS PORT SECONDS BYTES [mmsg|segment] | flood receive PORT BYTES [mmsg|gro]\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i % PERIOD);
    for (int i = 0; i < BATCH; i++) {
        vectors[i].iov_base = buffers[i];
        vectors[i].iov_len = receiving ? sizeof buffers[i] : bytes;
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    at.sin_port = htons((unsigned short)atoi(argv[receiving ? 2 : 3]));
    return receiving ? receive(&at, bytes, how) : flood(&at, atof(argv[4]), bytes, how);
}
