/* Threads on sockets, against an echo server: threads HOST PORT THREADS BYTES
 * 1. THREADS threads, each with its own connection: send BYTES and read them back, in turns.
 * 2. One connection, two threads: one sends BYTES, the other reads them.
 * 3. One connection, THREADS threads that send records of 1000 bytes each through it under one lock while one
 *    thread reads: every record comes back whole.
 * Prints one line per part; exits 1 when a byte is wrong. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in to;
static size_t bytes;
static int threads;
static int wrong;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        fail("socket");
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        fail("connect");
    return fd;
}

static unsigned char pattern(size_t i, unsigned seed) { return (unsigned char)((i * 2654435761u + seed * 40503u) >> 11); }

static void put(int fd, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)data + done, size - done, 0);
        if (n <= 0)
            fail("send");
        done += (size_t)n;
    }
}

static void get(int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = recv(fd, (char *)data + done, size - done, 0);
        if (n < 0)
            fail("recv");
        if (n == 0) {
            fprintf(stderr, "the stream ended early\n");
            exit(1);
        }
        done += (size_t)n;
    }
}

static void *own_connection(void *arg)
{
    unsigned seed = (unsigned)(size_t)arg;
    int fd = dial();
    unsigned char out[10000], in[10000];
    for (size_t at = 0; at < bytes; at += sizeof out) {
        for (size_t i = 0; i < sizeof out; i++)
            out[i] = pattern(at + i, seed);
        put(fd, out, sizeof out);
        get(fd, in, sizeof in);
        if (memcmp(in, out, sizeof in))
            __atomic_store_n(&wrong, 1, __ATOMIC_RELAXED);
    }
    close(fd);
    return NULL;
}

static int shared;

static void *reader(void *arg)
{
    (void)arg;
    unsigned char in[65536];
    size_t at = 0;
    while (at < bytes) {
        ssize_t n = recv(shared, in, sizeof in, 0);
        if (n <= 0)
            fail("recv");
        for (ssize_t i = 0; i < n; i++)
            if (in[i] != pattern(at + (size_t)i, 99))
                wrong = 1;
        at += (size_t)n;
    }
    return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *record_sender(void *arg)
{
    unsigned char record[1000];
    memset(record, (int)(size_t)arg + 'A', sizeof record);
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        put(shared, record, sizeof record);
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void *record_reader(void *arg)
{
    (void)arg;
    unsigned char record[1000];
    for (int i = 0; i < 1000 * threads; i++) {
        get(shared, record, sizeof record);
        for (size_t k = 1; k < sizeof record; k++)
            if (record[k] != record[0])
                wrong = 1;
    }
    return NULL;
}

static int verdict(const char *part)
{
    printf("%s %s\n", part, wrong ? "WRONG" : "right");
    fflush(stdout);
    return wrong;
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    to.sin_family = AF_INET;
    to.sin_port = htons((unsigned short)atoi(argv[2]));
    inet_pton(AF_INET, argv[1], &to.sin_addr);
    threads = atoi(argv[3]);
    bytes = strtoul(argv[4], NULL, 10);
    pthread_t t[64], r;

    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, own_connection, (void *)(size_t)i);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    if (verdict("own"))
        return 1;

    shared = dial();
    pthread_create(&r, NULL, reader, NULL);
    unsigned char out[5000];
    for (size_t at = 0; at < bytes; at += sizeof out) {
        for (size_t i = 0; i < sizeof out; i++)
            out[i] = pattern(at + i, 99);
        put(shared, out, bytes - at < sizeof out ? bytes - at : sizeof out);
    }
    pthread_join(r, NULL);
    close(shared);
    if (verdict("duplex"))
        return 1;

    shared = dial();
    pthread_create(&r, NULL, record_reader, NULL);
    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, record_sender, (void *)(size_t)i);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    pthread_join(r, NULL);
    close(shared);
    return verdict("records");
}
