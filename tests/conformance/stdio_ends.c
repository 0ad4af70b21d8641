/* How streams on sockets end: what was printed comes before a shutdown, a child reads on after its parent has let go, exit does not
 * wait for a thread that reads. */
#include "case.h"
#include <sys/wait.h>

/* Much of it waits behind a small send buffer when the socket is shut. */
CASE(stdio_shut_behind_much) {
    static char much[150000];
    int fd = dial(COUNT), small = 8192;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    memset(much, 'm', sizeof much);
    FILE *f = fdopen(fd, "r+");
    TRY("fwrite", fwrite(much, 1, sizeof much, f));
    TRY("fflush", fflush(f));
    TRY("shutdown", shutdown(fd, SHUT_WR));
    TRY("send", send(fd, "x", 1, MSG_NOSIGNAL));
    char line[64] = "";
    say("peer has", "%s", fgets(line, sizeof line, f) ? line : "nothing");
}

CASE(stdio_shut_both_behind_much) {
    static char much[150000];
    int fd = dial(REPORT), small = 8192;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    FILE *f = fdopen(fd, "w");
    TRY("fwrite", fwrite(much, 1, sizeof much, f));
    TRY("fflush", fflush(f));
    TRY("shutdown", shutdown(fd, SHUT_RDWR));
    signal(SIGPIPE, SIG_IGN);
    putc('x', f);
    TRY("fflush", fflush(f));
    peer_saw("all");
}

/* The parent has shut the socket for writing and closes it: the answer is the child's. */
CASE(stdio_child_reads_after_shut) {
    int fd = dial(COUNT);
    dup2(fd, 0);
    close(fd);
    TRY("send", send(0, "question", 8, 0));
    TRY("shutdown", shutdown(0, SHUT_WR));
    FILE *p = popen("cat", "r");
    TRY("close", close(0));
    char line[64] = "";
    say("cat", "%s", p && fgets(line, sizeof line, p) ? line : "none");
    TRY("pclose", pclose(p));
}

/* What is printed while the connection is made goes by itself once it is there. */
CASE(stdio_while_connecting) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    TRY("connect", connect_to(fd, peer_ip, ECHO_PORT));
    TRY("blocking", fcntl(fd, F_SETFL, 0));
    FILE *f = fdopen(fd, "r+");
    TRY("fputs", fputs("early\n", f));
    TRY("fflush", fflush(f));
    char line[64] = "";
    say("fgets", "%s", fgets(line, sizeof line, f) ? line : "none");
}

static void *reads(void *p) {
    (void)p;
    getchar();
    return NULL;
}

/* A thread holds the lock of stdin, for ever. */
CASE(exit_stdio_reader) {
    int ends[2];
    pthread_t t;
    if (pipe(ends) < 0 || dup2(ends[0], 0) < 0) return;
    pthread_create(&t, NULL, reads, NULL);
    settle();
    FILE *f = fdopen(dial(REPORT), "w");
    fprintf(f, "while another reads");
}
