/* C streams on sockets: by fdopen, and streams that were there before the socket came onto their number. */
#include "case.h"
#include <error.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <wchar.h>

/* What the case says while stdout is a socket. */
static int said = -1;

static void keep_stdout(void) {
    fflush(stdout);
    said = fcntl(1, F_DUPFD_CLOEXEC, 100);
}

static void restore_stdout(void) {
    fflush(stdout);
    dup2(said, 1);
}

/* The next n bytes, as text. */
static const char *next(int fd, size_t n) {
    static char buf[512];
    ssize_t got = read_all(fd, buf, n);
    buf[got > 0 ? got : 0] = 0;
    for (char *c = buf; *c; c++)
        if (*c == '\n') *c = '/';
    return buf;
}

CASE(stdio_two_streams) {
    int fd = dial(ECHO_PORT);
    FILE *out = fdopen(fd, "w"), *in = fdopen(dup(fd), "r");
    char line[64] = "";
    say("opened", "%d", out && in && fileno(out) == fd);
    TRY("fprintf", fprintf(out, "one %d %.2f\n", 42, 1.5));
    settle();
    TRY("nothing left yet", recv(fd, line, sizeof line, MSG_DONTWAIT));
    TRY("fflush", fflush(out));
    say("fgets", "%s", fgets(line, sizeof line, in) ? line : "none");
    TRY("fputs", fputs("two three\n", out));
    TRY("fflush", fflush(out));
    char a[16] = "", b[16] = "";
    TRY("fscanf", fscanf(in, "%15s %15s", a, b));
    say("read", "%s %s", a, b);
    TRY("fgetc", fgetc(in));
    TRY("ungetc", ungetc('Z', in));
    TRY("fgetc", fgetc(in));
    TRY("fread of nothing", fread(line, 1, 0, in));
    TRY("fwrite", fwrite("0123456789", 2, 5, out));
    TRY("fclose sends", fclose(out));
    TRY("fread", fread(line, 1, 10, in));
    TRY("fclose", fclose(in));
    TRY("closed", fcntl(fd, F_GETFD));
}

CASE(stdio_modes) {
    int fd = dial(ECHO_PORT);
    errno = 0;
    FILE *none = fdopen(fd, "q");
    say("bad mode", "%d %s", none == NULL, strerrorname_np(errno));
    FILE *r = fdopen(fd, "r"), *w = fdopen(fd, "w");
    TRY("fputc on a reader", fputc('x', r));
    say("error", "%d", !!ferror(r));
    TRY("fgetc on a writer", fgetc(w));
    say("error", "%d", !!ferror(w));
    clearerr(r);
    say("cleared", "%d", !!ferror(r));
    TRY("fdopen of nothing", fdopen(777, "r") ? 0 : -1);
}

CASE(stdio_both_ways) {
    int fd = dial(ECHO_PORT);
    FILE *f = fdopen(fd, "r+");
    char line[64] = "";
    TRY("fputs", fputs("there and back\n", f));
    TRY("fflush", fflush(f));
    say("fgets", "%s", fgets(line, sizeof line, f) ? line : "none");
    TRY("fclose", fclose(f));
}

CASE(stdio_no_seek) {
    FILE *f = fdopen(dial(ECHO_PORT), "r+");
    TRY("fseek", fseek(f, 0, SEEK_SET));
    TRY("fseeko", fseeko(f, 5, SEEK_CUR));
    TRY("ftell", ftell(f));
    fpos_t pos;
    TRY("fgetpos", fgetpos(f, &pos));
    TRY("lseek", lseek(fileno(f), 0, SEEK_CUR));
}

CASE(stdio_buffers) {
    int fd = dial(ECHO_PORT);
    char c[64];
    FILE *f = fdopen(fd, "w");
    TRY("unbuffered", setvbuf(f, NULL, _IONBF, 0));
    fputs("ab", f);
    say("at once", "%s", next(fd, 2));
    f = fdopen(dup(fd), "w");
    TRY("by line", setvbuf(f, NULL, _IOLBF, 1024));
    fputs("cd", f);
    settle();
    TRY("nothing before the newline", recv(fd, c, sizeof c, MSG_DONTWAIT));
    fputs("ef\n", f);
    say("the line", "%s", next(fd, 5));
    TRY("full", setvbuf(f, c, _IOFBF, 8));
    fputs("0123456789", f);
    say("what did not fit", "%s", next(fd, 8));
    fflush(f);
    say("the rest", "%s", next(fd, 2));
    fclose(f);
}

CASE(stdio_wide) {
    int fd = dial(ECHO_PORT);
    FILE *out = fdopen(fd, "w"), *in = fdopen(dup(fd), "r");
    wchar_t line[64] = L"";
    say("orientation", "%d", fwide(out, 1) > 0);
    TRY("fwprintf", fwprintf(out, L"wide %d %ls\n", 7, L"text"));
    TRY("fflush", fflush(out));
    say("fgetws", "%d", fgetws(line, 64, in) && wcscmp(line, L"wide 7 text\n") == 0);
    TRY("fputwc", fputwc(L'x', out));
    TRY("fclose", fclose(out));
    TRY("fgetwc", fgetwc(in));
}

CASE(stdio_end) {
    FILE *f = fdopen(dial(HELLO), "r");
    char line[64] = "";
    say("line", "%s", fgets(line, sizeof line, f) ? line : "none");
    say("then", "%d", fgets(line, sizeof line, f) == NULL);
    say("state", "%d %d", !!feof(f), !!ferror(f));
    TRY("again", fgetc(f));
}

CASE(stdio_printf_to_socket) {
    keep_stdout();
    int fd = dial(ECHO_PORT);
    long r = dup2(fd, 1);
    int n = printf("%s %d\n", "printf", 1) + puts("puts");
    putchar('c');
    putc_unlocked('u', stdout);
    fwrite_unlocked("fw", 1, 2, stdout);
    n += fprintf(stdout, "%5.1f|%-4s|%c", 2.25, "x", 0x41) + fflush(stdout);
    char got[64];
    snprintf(got, sizeof got, "%s", next(fd, 30));
    restore_stdout();
    say("dup2", "%ld", r);
    say("counts", "%d", n);
    say("came back", "%s", got);
    TRY("the socket lives", write(fd, "x", 1));
    say("and reads", "%s", next(fd, 1));
}

CASE(stdio_reads_from_socket) {
    int fd = dial(ECHO_PORT), a = 0;
    char word[32] = "", line[64] = "", *long_line = NULL;
    size_t room = 0;
    TRY("dup2", dup2(fd, 0));
    TRY("write", write(fd, "first line\n17 word\nlong line\nrest", 33));
    say("fgets", "%s", fgets(line, sizeof line, stdin) ? line : "none");
    TRY("scanf", scanf("%d %31s", &a, word));
    say("read", "%d %s", a, word);
    TRY("getchar", getchar());
    TRY("getline", getline(&long_line, &room, stdin));
    TRY("getc_unlocked", getc_unlocked(stdin));
    TRY("shutdown", shutdown(0, SHUT_WR));
    TRY("fread", fread(line, 1, 20, stdin));
    say("end", "%d %d", !!feof(stdin), !!ferror(stdin));
    TRY("read at the end", read(0, line, 1));
}

CASE(stdio_order_of_writes) {
    keep_stdout();
    int fd = dial(ECHO_PORT);
    dup2(fd, 1);
    int good = 1;
    for (int i = 0; i < 200; i++) {
        good &= printf("p%d ", i) > 0;
        fflush(stdout);
        good &= write(1, "w ", 2) == 2;
        good &= send(fd, "s ", 2, 0) == 2;
        good &= dprintf(1, "d%d ", i) > 0;
    }
    int expected = 1;
    char want[64];
    for (int i = 0; i < 200; i++) {
        int n = snprintf(want, sizeof want, "p%d w s d%d ", i, i);
        expected &= strcmp(next(fd, (size_t)n), want) == 0;
    }
    restore_stdout();
    say("written", "%d", good);
    say("in order", "%d", expected);
}

CASE(stdio_mixed_reads) {
    int fd = dial(ECHO_PORT), n = -1;
    char line[64] = "";
    dup2(fd, 0);
    setvbuf(stdin, NULL, _IONBF, 0);
    TRY("write", write(fd, "abcdefghij", 10));
    sleep_until_readable(0);
    TRY("getchar", getchar());
    TRY("FIONREAD", ioctl(0, FIONREAD, &n));
    say("left", "%d", n);
    TRY("peek", recv(0, line, 3, MSG_PEEK));
    say("peeked", "%.3s", line);
    TRY("recv", recv(fd, line, 2, 0));
    say("received", "%.2s", line);
    TRY("getchar", getchar());
    TRY("read", read(0, line, 3));
    say("read", "%.3s", line);
    ready("more is there", 0);
    TRY("getchar", getchar());
    TRY("getchar", getchar());
    TRY("getchar", getchar());
    ready("all was read", 0);
    TRY("nothing left", recv(0, line, 1, MSG_DONTWAIT));
}

CASE(stdio_does_not_wait) {
    int fd = dial(ECHO_PORT);
    dup2(fd, 0);
    nonblocking(fd);
    TRY("getchar", getchar());
    say("error", "%d %d", !!ferror(stdin), !!feof(stdin));
    clearerr(stdin);
    fcntl(0, F_SETFL, 0);
    struct timeval t = {0, 200000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    long before = now_ms();
    TRY("with a time-out", getchar());
    long waited = now_ms() - before;
    say("waited", "%d", waited > 150 && waited < 1500);
    clearerr(stdin);
    write(fd, "x", 1);
    TRY("then", getchar());
}

CASE(stdio_reset) {
    int fd = dial(RESET);
    dup2(fd, 0);
    write(fd, "x", 1);
    TRY("getchar", getchar());
    say("error", "%d %d", !!ferror(stdin), !!feof(stdin));
}

CASE(stdio_shut_for_writing) {
    signal(SIGPIPE, SIG_IGN);
    keep_stdout();
    int fd = dial(ECHO_PORT);
    dup2(fd, 1);
    long s = shutdown(1, SHUT_WR), p = printf("lost"), f = fflush(stdout);
    const char *e = strerrorname_np(errno);
    clearerr(stdout);
    restore_stdout();
    say("shutdown, printf, fflush", "%ld %ld %ld %s", s, p, f, e);
}

CASE(stdio_close_sends) {
    keep_stdout();
    int fd = dial(REPORT);
    dup2(fd, 1);
    close(fd);
    printf("twelve bytes");
    int r = fclose(stdout);
    stdout = fdopen(said, "w");
    say("fclose", "%d", r);
    TRY("closed", fcntl(1, F_GETFD));
    fflush(stdout);
    dup2(said, 1);
    peer_saw("the end");
    fflush(stdout);
}

CASE(stdio_replaced) {
    keep_stdout();
    int fd = dial(REPORT);
    dup2(fd, 1);
    close(fd);
    printf("five.");
    restore_stdout();
    peer_saw("replaced by dup2");
}

CASE(stdio_much) {
    keep_stdout();
    static char block[10000];
    int fd = dial(REPORT), good = 1;
    dup2(fd, 1);
    close(fd);
    memset(block, 'm', sizeof block);
    for (int i = 0; i < 200; i++) good &= fwrite(block, 1, sizeof block, stdout) == sizeof block;
    restore_stdout();
    say("written", "%d", good);
    peer_saw("two million");
}

CASE(stdio_much_in) {
    int fd = dial(ECHO_PORT);
    static char block[5000];
    dup2(fd, 0);
    size_t total = 0, wrong = 0;
    for (int round = 0; round < 100; round++) {
        for (size_t i = 0; i < sizeof block; i++) block[i] = (char)(round + (int)i);
        if (write(fd, block, sizeof block) != (ssize_t)sizeof block) break;
        for (size_t i = 0; i < sizeof block; i++, total++) {
            int c = getchar();
            if (round % 3 == 2 && i < 100) {
                ungetc(c, stdin);
                c = getchar();
            }
            wrong += (char)c != block[i];
        }
    }
    say("read", "%zu, wrong %zu", total, wrong);
}

CASE(stdio_stderr) {
    int fd = dial(ECHO_PORT), kept = fcntl(2, F_DUPFD_CLOEXEC, 100);
    program_invocation_name = (char *)"prog";
    dup2(fd, 2);
    errno = ENOENT;
    perror("perror");
    psignal(SIGINT, "psignal");
    error(0, EACCES, "error %d", 5);
    fputs("unbuffered", stderr);
    char got[256];
    snprintf(got, sizeof got, "%s", next(fd, 90));
    dup2(kept, 2);
    say("stderr", "%s", got);
}

CASE(stdio_accepted_on_0) {
    int port, l = listener(&port);
    char line[64] = "";
    close(tell_peer("fin", port, "hello there"));
    close(0);
    TRY("accept", accept(l, NULL, NULL));
    say("line", "%s", fgets(line, sizeof line, stdin) ? "yes" : "none");
    say("its end", "%d", line[0] == 0 || feof(stdin) || strchr(line, '\n') != NULL);
}

CASE(stdio_opened_on_1) {
    keep_stdout();
    close(1);
    int fd = tcp();
    int c = connect_to(fd, peer_ip, ECHO_PORT);
    printf("on its own number");
    fflush(stdout);
    char got[64];
    snprintf(got, sizeof got, "%s", next(1, 17));
    restore_stdout();
    say("socket, connect", "%d %d", fd, c);
    say("came back", "%s", got);
}

CASE(stdio_known_stream) {
    FILE *f = fopen("/dev/null", "r+");
    int fd = dial(ECHO_PORT), number = fileno(f);
    dup2(fd, number);
    fputs("through an old stream", f);
    TRY("fflush", fflush(f));
    say("came back", "%s", next(fd, 21));
    TRY("fclose", fclose(f));
    TRY("the socket lives", write(fd, "x", 1));
}

CASE(stdio_freopen) {
    keep_stdout();
    int fd = dial(REPORT);
    dup2(fd, 1);
    close(fd);
    printf("before");
    FILE *f = freopen("/dev/null", "w", stdout);
    int number = f ? fileno(f) : -1;
    restore_stdout();
    say("freopen", "%d", number);
    peer_saw("freopen");
}

CASE(stdio_datagrams) {
    keep_stdout();
    int fd = udp(), other = udp();
    char got[64] = "";
    struct sockaddr_in a;
    socklen_t len = sizeof a;
    bind_to(other, own_ip, 0);
    bind_to(fd, own_ip, 0);
    getsockname(other, (void *)&a, &len);
    connect(fd, (void *)&a, sizeof a);
    dup2(fd, 1);
    printf("one");
    fflush(stdout);
    printf("three");
    fflush(stdout);
    long n1 = recv(other, got, sizeof got, 0), n2 = recv(other, got + 3, sizeof got - 3, 0);
    restore_stdout();
    say("datagrams", "%ld %ld %s", n1, n2, got);
}

CASE(stdio_child_prints) {
    keep_stdout();
    int fd = dial(ECHO_PORT);
    dup2(fd, 1);
    pid_t child = fork();
    if (child == 0) {
        printf("from the child");
        fflush(stdout);
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    char got[64];
    snprintf(got, sizeof got, "%s", next(fd, 14));
    restore_stdout();
    say("child", "%d", status);
    say("came back", "%s", got);
}

CASE(stdio_child_reads) {
    int fd = dial(HELLO);
    dup2(fd, 0);
    close(fd);
    char line[64] = "";
    FILE *p = popen("cat", "r");
    say("cat", "%s", p && fgets(line, sizeof line, p) ? line : "none");
    TRY("pclose", pclose(p));
}

static void last_words(void) { printf("+atexit"); }

CASE(exit_stdio_unflushed) {
    keep_stdout();
    int fd = dial(REPORT);
    dup2(fd, 1);
    atexit(last_words);
    printf("left in the buffer");
    exit(0);
}

CASE(exit_stdio_stream) {
    FILE *f = fdopen(dial(REPORT), "w");
    fprintf(f, "left in a stream of its own");
}

CASE(exit_stdio_at_once) {
    keep_stdout();
    int fd = dial(REPORT);
    dup2(fd, 1);
    printf("twenty bytes for now");
    fflush(stdout);
    printf("never seen");
    _exit(0);
}
