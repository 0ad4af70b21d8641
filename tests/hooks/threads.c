/* Threads that come and go use descriptors to their very end: in destructors of thread-specific data, after dlopen, and
 * from atexit. */
#include "check.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

static pthread_key_t key;
static volatile int ended;

static int use(void)
{
    char c;
    int fd = open("/dev/zero", O_RDONLY);
    int good = fd >= 0 && read(fd, &c, 1) == 1 && c == 0;
    return close(fd) == 0 && good;
}

static void last(void *value)
{
    int *rounds = value;
    if (use())
        __atomic_add_fetch(&ended, 1, __ATOMIC_RELAXED);
    int s = socket(AF_INET, SOCK_DGRAM, 0);
    if (s < 0 || close(s))
        __atomic_sub_fetch(&ended, 1, __ATOMIC_RELAXED);
    if (--*rounds > 0)
        pthread_setspecific(key, rounds);
    else
        free(rounds);
}

static void *body(void *x)
{
    int *rounds = malloc(sizeof *rounds);
    *rounds = 3;
    pthread_setspecific(key, rounds);
    void *lib = dlopen("libm.so.6", RTLD_NOW | RTLD_LOCAL);
    void *result = lib && dlsym(lib, "cos") && use() ? x : NULL;
    dlclose(lib);
    return result;
}

static void bye(void)
{
    if (!use())
        _exit(50);
}

int main(void)
{
    pthread_t t[16];
    int good = 0;
    atexit(bye);
    pthread_key_create(&key, last);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 16; i++)
            pthread_create(&t[i], NULL, body, &good);
        for (int i = 0; i < 16; i++) {
            void *result = NULL;
            pthread_join(t[i], &result);
            good += result == &good;
        }
    }
    CHECK("bodies", good == 320);
    CHECK("destructors", ended == 960);
    DONE();
}
