/* A server as inetd has them: the connection comes onto 0, 1 and 2, and everything is stdio from then on. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argc > 1 ? argv[1] : "9100"))};
    int one = 1, l = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(l, (void *)&at, sizeof at) || listen(l, 1)) return 1;
    int fd = accept(l, NULL, NULL);
    if (fd < 0) return 1;
    for (int n = 0; n < 3; n++) dup2(fd, n);
    close(fd);
    close(l);
    char line[4096], what[64];
    long bytes, lines = 0;
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        lines++;
        if (sscanf(line, "send %ld", &bytes) == 1) {
            for (long i = 0; i < bytes; i++) putchar('a' + (int)(i % 26));
            putchar('\n');
        } else if (sscanf(line, "take %ld", &bytes) == 1) {
            unsigned long sum = 0;
            for (long i = 0; i < bytes; i++) sum = sum * 31 + (unsigned char)getchar();
            printf("sum %lu\n", sum);
        } else if (sscanf(line, "complain %63s", what) == 1) {
            fprintf(stderr, "about %s\n", what);
        } else if (strcmp(line, "child\n") == 0) {
            fflush(stdout);
            if (system("echo from a child; read -r x; echo child read $x")) return 1;
        } else {
            printf("%ld: %s", lines, line);
        }
        fflush(stdout);
    }
    printf("%ld lines, and this is not flushed", lines);
    return 0;
}
