/* getaddrinfo with AI_ADDRCONFIG in a namespace that may have no address at all. With an argument: under the library. */
#include "check.h"
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

static int family_of(const char *node, const struct addrinfo *hints)
{
    struct addrinfo *list = NULL;
    int family = -1;
    if (getaddrinfo(node, "80", hints, &list) == 0) {
        family = list->ai_family;
        freeaddrinfo(list);
    }
    return family;
}

int main(int argc, char **argv)
{
    struct addrinfo h = {.ai_socktype = SOCK_STREAM};
    (void)argv;
    CHECK("plain", family_of("10.88.45.1", &h) == AF_INET);
    CHECK("plain, version 6", family_of("::1", &h) == AF_INET6);
    h.ai_flags = AI_NUMERICHOST;
    CHECK("no such name", family_of("not a number", &h) == -1);
    if (argc > 1) {
        h.ai_flags = AI_ADDRCONFIG;
        CHECK("AI_ADDRCONFIG", family_of("10.88.45.1", &h) == AF_INET);
        CHECK("no hints", family_of("10.88.45.1", NULL) == AF_INET);
        h.ai_family = AF_INET;
        CHECK("AI_ADDRCONFIG and AF_INET", family_of("10.88.45.1", &h) == AF_INET);
        h.ai_family = AF_UNSPEC;
        h.ai_flags |= AI_V4MAPPED | AI_NUMERICHOST;
        CHECK("all of curl's", family_of("10.88.45.1", &h) == AF_INET);
        CHECK("a version 6 literal, on a host without", family_of("fe80::1", &h) == -1);
        CHECK("a version 6 literal of the kernel's", family_of("::1", &h) == AF_INET6);
    }
    DONE();
}
