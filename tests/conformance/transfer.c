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

static int file;

static void prepare(void) {
    for (int i = 0; i < SIZE; i++) data[i] = (unsigned char)(i * 7 + (i >> 9));
    char path[] = "/tmp/matnet-conformance-XXXXXX";
    file = mkstemp(path);
    unlink(path);
    if (write(file, data, SIZE) != SIZE) say("file", "short");
}

CASE(transfer_write) {
    prepare();
    int fd = dial(COUNT);
    TRY("one write", write(fd, data, SIZE));
    answer("one write", fd);
}

CASE(transfer_nonblocking) {
    prepare();
    int fd = dial(COUNT);
    nonblocking(fd);
    size_t done = 0;
    while (done < SIZE) {
        ssize_t n = send(fd, data + done, SIZE - done, 0);
        if (n > 0) {
            done += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = {fd, POLLOUT, 0};
            poll(&p, 1, 2000);
        } else {
            break;
        }
    }
    say("non-blocking", "%zu", done);
    fcntl(fd, F_SETFL, 0);
    answer("non-blocking", fd);
}

CASE(sendfile_offset) {
    prepare();
    int fd = dial(COUNT);
    off_t off = 0;
    TRY("sendfile with offset", sendfile(fd, file, &off, SIZE));
    say("offset", "%ld, position %ld", (long)off, (long)lseek(file, 0, SEEK_CUR));
    TRY("at the end", sendfile(fd, file, &off, 10));
    answer("sendfile with offset", fd);
}

CASE(sendfile_position) {
    prepare();
    int fd = dial(COUNT);
    lseek(file, 0, SEEK_SET);
    TRY("sendfile", sendfile(fd, file, NULL, SIZE + 1000));
    say("position", "%ld", (long)lseek(file, 0, SEEK_CUR));
    answer("sendfile", fd);
}

CASE(sendfile_nonblocking) {
    prepare();
    int fd = dial(COUNT);
    nonblocking(fd);
    off_t off = 0;
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
}

CASE(sendfile_refused) {
    prepare();
    int p[2], wr = open("/dev/null", O_WRONLY), fd = dial(ECHO_PORT);
    if (pipe(p)) return;
    off_t off = 0;
    TRY("from a socket", sendfile(wr, fd, NULL, 10));
    TRY("from a socket, offset", sendfile(wr, fd, &off, 10));
    TRY("from a pipe", sendfile(fd, p[0], NULL, 10));
    TRY("from a write-only file", sendfile(fd, wr, NULL, 10));
    off = -1;
    TRY("negative offset", sendfile(fd, file, &off, 10));
    TRY("nothing", sendfile(fd, file, NULL, 0));
    signal(SIGPIPE, SIG_IGN);
    lseek(file, 0, SEEK_SET);
    TRY("unconnected", sendfile(tcp(), file, NULL, 10));
    say("position", "%ld", (long)lseek(file, 0, SEEK_CUR));
    TRY("no file", sendfile(fd, 987, NULL, 10));
    TRY("from a directory", sendfile(fd, open("/", O_RDONLY | O_DIRECTORY), NULL, 10));
    TRY("to a closed number", sendfile(987, file, NULL, 10));
}

CASE(splice_refused) {
    prepare();
    int p[2], fd = dial(ECHO_PORT);
    if (pipe(p)) return;
    loff_t lo = 0;
    TRY("file to socket", splice(file, NULL, fd, NULL, 10, 0));
    TRY("socket to socket", splice(fd, NULL, fd, NULL, 10, 0));
    TRY("empty pipe", splice(p[0], NULL, fd, NULL, 10, SPLICE_F_NONBLOCK));
    TRY("offset of a pipe", splice(p[0], &lo, fd, NULL, 10, SPLICE_F_NONBLOCK));
    TRY("offset of a socket", splice(p[0], NULL, fd, &lo, 10, SPLICE_F_NONBLOCK));
    TRY("bad flags", splice(fd, NULL, p[1], NULL, 10, 999));
    TRY("nothing", splice(fd, NULL, p[1], NULL, 0, 0));
    TRY("wrong end", splice(p[1], NULL, fd, NULL, 10, 0));
    TRY("tee", tee(fd, p[1], 10, 0));
    struct iovec v = {data, 1};
    TRY("vmsplice", vmsplice(fd, &v, 1, 0));
    TRY("copy_file_range", copy_file_range(file, NULL, fd, NULL, 10, 0));
}

CASE(splice_both_ways) {
    int p[2], fd = dial(ECHO_PORT);
    char buf[32] = "";
    if (pipe(p) || write(p[1], "through a pipe", 14) != 14) return;
    TRY("pipe to socket", splice(p[0], NULL, fd, NULL, 100, 0));
    sleep_until_readable(fd);
    TRY("socket to pipe", splice(fd, NULL, p[1], NULL, 100, 0));
    TRY("read", read(p[0], buf, sizeof buf));
    say("data", "%s", buf);
    close(fd);
    fd = dial(HELLO);
    settle();
    TRY("socket to pipe, some", splice(fd, NULL, p[1], NULL, 3, 0));
    TRY("and the rest", splice(fd, NULL, p[1], NULL, 100, 0));
    TRY("and the end", splice(fd, NULL, p[1], NULL, 100, 0));
}

CASE(splice_waits) {
    int p[2], fd = dial(ECHO_PORT);
    if (pipe(p)) return;
    pid_t writer = fork();
    if (writer == 0) {
        close(p[0]);
        usleep(100000);
        _exit(write(p[1], "late", 4) != 4);
    }
    TRY("splice waits for the pipe", splice(p[0], NULL, fd, NULL, 100, 0));
    waitpid(writer, NULL, 0);
}

/* Small buffers: the call waits for room again and again. */
CASE(splice_small_buffer) {
    prepare();
    int small = 4096, p[2], fd = dial(COUNT);
    if (pipe(p)) return;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    pid_t writer = fork();
    if (writer == 0) {
        close(p[0]);
        _exit(write(p[1], data, SIZE) != SIZE);
    }
    size_t done = 0;
    while (done < SIZE) {
        ssize_t n = splice(p[0], NULL, fd, NULL, SIZE - done, SPLICE_F_MORE);
        if (n <= 0) break;
        done += (size_t)n;
    }
    say("splice through a small buffer", "%zu", done);
    waitpid(writer, NULL, 0);
    answer("splice through a small buffer", fd);
}

CASE(sendfile_small_buffer) {
    prepare();
    int small = 4096, fd = dial(COUNT);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    off_t off = 0;
    TRY("sendfile through a small buffer", sendfile(fd, file, &off, SIZE));
    say("offset", "%ld", (long)off);
    answer("sendfile through a small buffer", fd);
}

/* Pieces of any size, in part from the middle, with ordinary sends between them. */
CASE(sendfile_pieces) {
    prepare();
    int fd = dial(COUNT);
    off_t off = 0;
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
}

CASE(splice_pieces) {
    prepare();
    int p[2], fd = dial(ECHO_PORT);
    if (pipe(p)) return;
    size_t done = 0, pushed = 0;
    uint32_t sum = 0;
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

static int pipes;
static void on_pipe(int sig) {
    (void)sig;
    pipes++;
}

CASE(sendfile_broken) {
    prepare();
    signal(SIGPIPE, on_pipe);
    int fd = dial(ECHO_PORT);
    shutdown(fd, SHUT_WR);
    off_t off = 0;
    TRY("after SHUT_WR", sendfile(fd, file, &off, 10));
    say("SIGPIPE", "%d, offset %ld", pipes, (long)off);
    TRY("no file", sendfile(fd, 987, NULL, 10));
    say("SIGPIPE", "%d", pipes);
    TRY("a write-only file", sendfile(fd, open("/dev/null", O_WRONLY), NULL, 10));
    say("SIGPIPE", "%d", pipes);
    off = SIZE;
    TRY("at the end of the file", sendfile(fd, file, &off, 10));
    say("SIGPIPE", "%d", pipes);
}
