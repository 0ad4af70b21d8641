/* vfork, exec with any number of arguments, failing exec, and the ways out; before and after the first socket. */
#include "check.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static char *const one[] = {"sh", "-c", "exit 7", NULL};

static int status_of(pid_t pid)
{
    int status = -1;
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static int by_vfork(void)
{
    pid_t pid = vfork();
    if (pid == 0) {
        execve("/bin/sh", one, environ);
        _exit(99);
    }
    return status_of(pid);
}

#define CHILD(statement)        \
    ({                          \
        pid_t pid_ = fork();    \
        if (pid_ == 0) {        \
            statement;          \
            _exit(98);          \
        }                       \
        status_of(pid_);        \
    })

static void all(const char *when)
{
    char name[64];
    char *const env[] = {"GREETING=hello", "PATH=/bin:/usr/bin", NULL};
    int status;
#define NAMED(x) (snprintf(name, sizeof name, "%s: %s", when, x), name)
    CHECK(NAMED("vfork and execve"), by_vfork() == 7);
    for (int i = 0; i < 3; i++) {
        pid_t pid = vfork();
        if (pid == 0)
            _exit(i);
        CHECK(NAMED("vfork and _exit"), status_of(pid) == i);
    }
    CHECK(NAMED("execv"), CHILD(execv("/bin/sh", one)) == 7);
    CHECK(NAMED("execvp"), CHILD(execvp("sh", one)) == 7);
    CHECK(NAMED("execvpe"), CHILD(execvpe("sh", (char *[]){"sh", "-c", "[ $GREETING = hello ] && exit 3", NULL}, env)) == 3);
    CHECK(NAMED("execl"), CHILD(execl("/bin/sh", "sh", "-c", "exit 4", NULL)) == 4);
    CHECK(NAMED("execl, many"), CHILD(execl("/bin/sh", "sh", "-c", "exit $#", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                                            "10", "11", "12", NULL)) == 12);
    CHECK(NAMED("execlp"), CHILD(execlp("sh", "sh", "-c", "[ $3 = c ] && exit $#", "0", "a", "b", "c", NULL)) == 3);
    CHECK(NAMED("execle"), CHILD(execle("/bin/sh", "sh", "-c", "[ $GREETING = hello ] && [ -z \"$HOME\" ] && exit $#", "0", "a",
                                        "b", "c", "d", NULL, env)) == 4);
    CHECK(NAMED("fexecve"), CHILD(fexecve(open("/bin/sh", O_RDONLY), one, environ)) == 7);
    CHECK(NAMED("execveat"), CHILD(execveat(AT_FDCWD, "/bin/sh", one, environ, 0)) == 7);
    CHECK(NAMED("syscall(SYS_execve)"), CHILD(syscall(SYS_execve, "/bin/sh", one, environ)) == 7);
    errno = 0;
    CHECK(NAMED("execl of nothing"), execl("/nonexistent", "x", "1", "2", "3", "4", "5", "6", "7", NULL) == -1 && errno == ENOENT);
    errno = 0;
    CHECK(NAMED("execve of nothing"), execve("/nonexistent", one, environ) == -1 && errno == ENOENT);
    CHECK(NAMED("_exit"), CHILD(_exit(5)) == 5);
    CHECK(NAMED("_Exit"), CHILD(_Exit(6)) == 6);
    CHECK(NAMED("quick_exit"), CHILD(quick_exit(8)) == 8);
    CHECK(NAMED("exit"), CHILD(exit(9)) == 9);
    CHECK(NAMED("exit_group"), CHILD(syscall(SYS_exit_group, 10)) == 10);
    pid_t pid = _Fork();
    if (pid == 0)
        _exit(11);
    CHECK(NAMED("_Fork"), status_of(pid) == 11);
    status = system("exit 12");
    CHECK(NAMED("system"), WEXITSTATUS(status) == 12);
    FILE *f = popen("echo from-popen", "r");
    char line[32] = "";
    CHECK(NAMED("popen"), f && fgets(line, sizeof line, f) && !strcmp(line, "from-popen\n") && pclose(f) == 0);
}

int main(void)
{
    all("without a socket");
    int s = socket(AF_INET, SOCK_STREAM, 0);
    CHECK("socket", s >= 0);
    all("with a socket");
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    CHECK("the socket lives", getsockname(s, (void *)&a, &n) == 0 && a.sin_family == AF_INET);
    DONE();
}
