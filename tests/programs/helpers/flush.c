/* Writes BYTES of a known pattern to HOST PORT and leaves at once by WAY:
 *   return exit _exit _Exit quick_exit exit_group last_thread pthread_exit close shutdown thread
 *   stream (the last bytes wait in a FILE when main returns)
 * flush WAY HOST PORT BYTES */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *leave(void *unused)
{
    (void)unused;
    exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    const char *way = argv[1];
    size_t size = strtoul(argv[4], NULL, 10);
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[3])) };
    inet_pton(AF_INET, argv[2], &to.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        perror("connect");
        return 3;
    }
    unsigned char *data = malloc(size);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)(i * 2654435761u >> 13);
    size_t sent = size;
    if (!strcmp(way, "stream"))
        sent -= 1000;
    for (size_t done = 0; done < sent;) {
        size_t part = sent - done < 100000 ? sent - done : 100000;
        ssize_t n = send(fd, data + done, part, 0);
        if (n < 0) {
            perror("send");
            return 4;
        }
        done += (size_t)n;
    }
    if (!strcmp(way, "stream")) {
        FILE *stream = fdopen(fd, "w");
        return stream && fwrite(data + sent, 1, size - sent, stream) == size - sent ? 0 : 5;
    }
    if (!strcmp(way, "return"))
        return 0;
    if (!strcmp(way, "exit"))
        exit(0);
    if (!strcmp(way, "_exit"))
        _exit(0);
    if (!strcmp(way, "_Exit"))
        _Exit(0);
    if (!strcmp(way, "quick_exit"))
        quick_exit(0);
    if (!strcmp(way, "exit_group"))
        syscall(SYS_exit_group, 0);
    if (!strcmp(way, "last_thread"))
        syscall(SYS_exit, 0);
    if (!strcmp(way, "pthread_exit"))
        pthread_exit(NULL);
    if (!strcmp(way, "close")) {
        close(fd);
        _exit(0);
    }
    if (!strcmp(way, "shutdown")) {
        shutdown(fd, SHUT_WR);
        _exit(0);
    }
    if (!strcmp(way, "thread")) {
        pthread_t t;
        pthread_create(&t, NULL, leave, NULL);
        pthread_join(t, NULL);
    }
    if (!strcmp(way, "true")) {
        execl("/bin/true", "true", (char *)NULL);
        return 6;
    }
    return 5;
}
