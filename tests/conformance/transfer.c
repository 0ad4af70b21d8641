/* sendfile, splice and kin; large transfers arrive whole, blocking and not. */
#include "case.h"
#include <sys/sendfile.h>
#include <sys/wait.h>

enum { SIZE = 3 << 20 };
static unsigned char data[SIZE];

static void answer(const char *what, int fd) {
    shutdown(fd, SHUT_WR);
    char buf[64] = "";
    read_all(fd, buf, sizeof buf - 1);
    say(what, "peer counted %s", buf);
    close(fd);
}

CASE(transfer) {
    uint32_t sum = 0;
    for (int i = 0; i < SIZE; i++) {
        data[i] = (unsigned char)(i * 7 + (i >> 9));
        sum = sum * 31 + data[i];
    }
    say("should be", "%d %08x", SIZE, sum);
    char path[] = "/tmp/matnet-conformance-XXXXXX";
    int file = mkstemp(path);
    unlink(path);
    if (write(file, data, SIZE) != SIZE) return;

    int fd = dial(COUNT);
    TRY("one write", write(fd, data, SIZE));
    answer("one write", fd);

    fd = dial(COUNT);
    nonblocking(fd);
    size_t done = 0;
    int again = 0;
    while (done < SIZE) {
        ssize_t n = send(fd, data + done, SIZE - done, 0);
        if (n > 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            again = 1;
            struct pollfd p = {fd, POLLOUT, 0};
            poll(&p, 1, 2000);
        } else {
            break;
        }
    }
    say("non-blocking", "%zu", done);
    (void)again;
    fcntl(fd, F_SETFL, 0);
    answer("non-blocking", fd);

    fd = dial(COUNT);
    off_t off = 0;
    TRY("sendfile with offset", sendfile(fd, file, &off, SIZE));
    say("offset", "%ld, position %ld", (long)off, (long)lseek(file, 0, SEEK_CUR));
    TRY("at the end", sendfile(fd, file, &off, 10));
    answer("sendfile with offset", fd);

    fd = dial(COUNT);
    lseek(file, 0, SEEK_SET);
    TRY("sendfile", sendfile(fd, file, NULL, SIZE + 1000));
    say("position", "%ld", (long)lseek(file, 0, SEEK_CUR));
    answer("sendfile", fd);

    fd = dial(COUNT);
    nonblocking(fd);
    off = 0;
    while (off < SIZE) {
        ssize_t n = sendfile(fd, file, &off, (size_t)(SIZE - off));
        if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {fd, POLLOUT, 0};
            poll(&p, 1, 2000);
        } else if (n <= 0) {
            break;
        }
    }
    say("sendfile, non-blocking", "%ld", (long)off);
    fcntl(fd, F_SETFL, 0);
    answer("sendfile, non-blocking", fd);

    int p[2], wr = open("/dev/null", O_WRONLY);
    if (pipe(p)) return;
    fd = dial(ECHO_PORT);
    loff_t lo = 0;
    off = 0;
    TRY("sendfile from a socket", sendfile(wr, fd, NULL, 10));
    TRY("sendfile from a socket, offset", sendfile(wr, fd, &off, 10));
    TRY("sendfile from a pipe", sendfile(fd, p[0], NULL, 10));
    TRY("sendfile from a write-only file", sendfile(fd, wr, NULL, 10));
    off = -1;
    TRY("sendfile, negative offset", sendfile(fd, file, &off, 10));
    TRY("sendfile, nothing", sendfile(fd, file, NULL, 0));
    TRY("sendfile, unconnected", (signal(SIGPIPE, SIG_IGN), lseek(file, 0, SEEK_SET), sendfile(tcp(), file, NULL, 10)));
    say("position", "%ld", (long)lseek(file, 0, SEEK_CUR));
    TRY("splice file to socket", splice(file, NULL, fd, NULL, 10, 0));
    TRY("splice socket to socket", splice(fd, NULL, fd, NULL, 10, 0));
    TRY("splice, empty pipe", splice(p[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK));
    TRY("splice, offset of a pipe", splice(p[0], &lo, fd, NULL, 10, SPLICE_F_NONBLOCK));
    TRY("splice, offset of a socket", splice(p[0], NULL, fd, &lo, 10, SPLICE_F_NONBLOCK));
    TRY("splice, bad flags", splice(fd, NULL, p[1], NULL, 10, 999));
    TRY("splice, nothing", splice(fd, NULL, p[1], NULL, 0, 0));
    TRY("splice, wrong end", splice(p[1], NULL, fd, NULL, 10, 0));
    TRY("tee", tee(fd, p[1], 10, 0));
    struct iovec v = {data, 1};
    TRY("vmsplice", vmsplice(fd, &v, 1, 0));
    TRY("copy_file_range", copy_file_range(file, NULL, fd, NULL, 10, 0));

    if (write(p[1], "through a pipe", 14) != 14) return;
    TRY("pipe to socket", splice(p[0], NULL, fd, NULL, 100, 0));
    sleep_until_readable(fd);
    TRY("socket to pipe", splice(fd, NULL, p[1], NULL, 100, 0));
    char buf[32] = "";
    TRY("read", read(p[0], buf, sizeof buf));
    say("data", "%s", buf);
    close(fd);
    fd = dial(HELLO);
    settle();
    TRY("socket to pipe, some", splice(fd, NULL, p[1], NULL, 3, 0));
    TRY("and the rest", splice(fd, NULL, p[1], NULL, 100, 0));
    TRY("and the end", splice(fd, NULL, p[1], NULL, 100, 0));
    close(fd);

    fd = dial(ECHO_PORT);
    pid_t writer = fork();
    if (writer == 0) {
        close(p[0]);
        usleep(100000);
        _exit(write(p[1], "late", 4) != 4);
    }
    if (read(p[0], buf, 5) != 5) say("hello", "missing");
    TRY("splice waits for the pipe", splice(p[0], NULL, fd, NULL, 100, 0));
    waitpid(writer, NULL, 0);
    close(fd);

    /* Small buffers: the call waits for room again and again. */
    int small = 4096;
    fd = dial(COUNT);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    writer = fork();
    if (writer == 0) {
        close(p[0]);
        _exit(write(p[1], data, SIZE) != SIZE);
    }
    done = 0;
    while (done < SIZE) {
        ssize_t n = splice(p[0], NULL, fd, NULL, SIZE - done, SPLICE_F_MORE);
        if (n <= 0) break;
        done += (size_t)n;
    }
    say("splice through a small buffer", "%zu", done);
    waitpid(writer, NULL, 0);
    answer("splice through a small buffer", fd);

    fd = dial(COUNT);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    off = 0;
    TRY("sendfile through a small buffer", sendfile(fd, file, &off, SIZE));
    say("offset", "%ld", (long)off);
    answer("sendfile through a small buffer", fd);

    /* Pieces of any size, in part from the middle, with ordinary sends between them. */
    fd = dial(COUNT);
    off = 0;
    for (int i = 1; off < SIZE; i++) {
        size_t want = (size_t)(i * 977 % 40000 + 1);
        if (i % 3 == 0) {
            if (want > (size_t)(SIZE - off)) want = (size_t)(SIZE - off);
            if (send(fd, data + off, want, i % 2 ? MSG_MORE : 0) != (ssize_t)want) break;
            off += (off_t)want;
        } else if (sendfile(fd, file, &off, want) <= 0) {
            break;
        }
    }
    say("pieces", "%ld", (long)off);
    answer("pieces", fd);

    /* The socket to a pipe, in pieces. */
    fd = dial(ECHO_PORT);
    done = 0;
    sum = 0;
    size_t pushed = 0;
    while (done < 200000) {
        if (pushed < 200000) {
            ssize_t n = send(fd, data + pushed, 10000, MSG_DONTWAIT);
            if (n > 0) pushed += (size_t)n;
        }
        ssize_t n = splice(fd, NULL, p[1], NULL, 50000, 0);
        if (n <= 0) break;
        static unsigned char part[50000];
        if (read_all(p[0], part, (size_t)n) != n) break;
        for (ssize_t i = 0; i < n; i++) sum = sum * 31 + part[i];
        done += (size_t)n;
    }
    say("socket to pipe, all", "%zu %08x", done, sum);
}
