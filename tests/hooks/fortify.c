/* The fortified forms: right results, and the program is stopped when the buffer is too small. Built with
 * -O2 -D_FORTIFY_SOURCE=2. */
#include "check.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static volatile size_t big = 64, fits = 8;

#define ABORTS(statement)                                            \
    ({                                                               \
        pid_t pid_ = fork();                                         \
        int status_ = 0;                                             \
        if (pid_ == 0) {                                             \
            dup2(open("/dev/null", O_WRONLY), 2);                    \
            statement;                                               \
            _exit(0);                                                \
        }                                                            \
        waitpid(pid_, &status_, 0);                                  \
        WIFSIGNALED(status_) && WTERMSIG(status_) == SIGABRT;        \
    })

int main(void)
{
    char b[8];
    struct pollfd p[2] = {{-1, 0, 0}, {-1, 0, 0}};
    int s[2];
    ssize_t unused;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, s))
        return 2;
    for (int round = 0; round < 2; round++) {
        if (write(s[1], "12345678abcdefghABCDEFGH", 24) != 24)
            return 2;
        CHECK("read", read(s[0], b, fits) == 8 && !memcmp(b, "12345678", 8));
        CHECK("recv", recv(s[0], b, fits, 0) == 8 && !memcmp(b, "abcdefgh", 8));
        CHECK("recvfrom", recvfrom(s[0], b, fits, 0, NULL, NULL) == 8 && !memcmp(b, "ABCDEFGH", 8));
    }
    CHECK("poll", poll(p, fits / 4, 0) == 0);
    struct timespec t = {0, 0};
    CHECK("ppoll", ppoll(p, fits / 4, &t, NULL) == 0);
    CHECK("read overflows", ABORTS(unused = read(s[0], b, big)));
    CHECK("recv overflows", ABORTS(unused = recv(s[0], b, big, MSG_DONTWAIT)));
    CHECK("recvfrom overflows", ABORTS(unused = recvfrom(s[0], b, big, MSG_DONTWAIT, NULL, NULL)));
    CHECK("poll overflows", ABORTS(poll(p, big, 0)));
    CHECK("ppoll overflows", ABORTS(ppoll(p, big, &t, NULL)));
    (void)unused;
    int u = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in a = {.sin_family = AF_INET};
    CHECK("socket", u >= 0 && !bind(u, (void *)&a, sizeof a));
    errno = 0;
    CHECK("read of a socket", read(u, b, fits) == -1 && errno == EAGAIN);
    errno = 0;
    CHECK("recvfrom of a socket", recvfrom(u, b, fits, 0, NULL, NULL) == -1 && errno == EAGAIN);
    p[0].fd = u;
    p[0].events = POLLOUT;
    CHECK("poll of a socket", poll(p, fits / 4, 0) == 1 && p[0].revents == POLLOUT);
    CHECK("recv overflows on a socket", ABORTS(unused = recv(u, b, big, 0)));
    DONE();
}
