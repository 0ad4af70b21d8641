/* What the hook tests share. Each prints one line a check, the same on the kernel and under the library. */
#ifndef CHECK_H
#define CHECK_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failures;

#define CHECK(name, condition)                                                                 \
    do {                                                                                       \
        int good_ = !!(condition);                                                             \
        printf("%s: %s\n", name, good_ ? "ok" : "FAILED");                                     \
        if (!good_) {                                                                          \
            fprintf(stderr, "%s:%d: %s: %s (errno %d)\n", __FILE__, __LINE__, name, #condition, errno); \
            failures++;                                                                        \
        }                                                                                      \
        fflush(stdout);                                                                        \
    } while (0)

#define DONE() return failures ? 1 : 0
#endif
