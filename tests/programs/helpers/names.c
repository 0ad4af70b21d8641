/* Asks for each argument in every way that libc has, and prints what comes: an address is asked for its name, everything else for its addresses.
 * After the argument -few: in one way of each kind, for servers that are slow. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *code(int e) {
    static char number[16];
    switch (e) {
    case 0: return "ok";
    case EAI_NONAME: return "NONAME";
    case EAI_AGAIN: return "AGAIN";
    case EAI_FAIL: return "FAIL";
    case EAI_NODATA: return "NODATA";
    case EAI_ADDRFAMILY: return "ADDRFAMILY";
    case EAI_FAMILY: return "FAMILY";
    case EAI_SERVICE: return "SERVICE";
    case EAI_SOCKTYPE: return "SOCKTYPE";
    case EAI_BADFLAGS: return "BADFLAGS";
    case EAI_OVERFLOW: return "OVERFLOW";
    case EAI_SYSTEM: return "SYSTEM";
    case EAI_IDN_ENCODE: return "IDN";
    }
    snprintf(number, sizeof number, "%d", e);
    return number;
}

static void info(const char *what, const char *name, const char *service, int family, int type, int flags) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_flags = flags}, *list = NULL;
    int e = getaddrinfo(name, service, flags == -2 ? NULL : &hints, &list);
    printf("%s %s %s: %s", what, name, service ? service : "-", code(e));
    for (struct addrinfo *i = list; e == 0 && i; i = i->ai_next) {
        char host[64], port[16];
        getnameinfo(i->ai_addr, i->ai_addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        printf(" [%d %d %d %u %x %s %s %s]", i->ai_family, i->ai_socktype, i->ai_protocol, i->ai_addrlen, i->ai_flags, host, port,
               i->ai_canonname ? i->ai_canonname : "-");
    }
    putchar('\n');
    if (e == 0) freeaddrinfo(list);
}

static void host(const char *what, const char *name, struct hostent *h, int failed) {
    printf("%s %s:", what, name);
    if (!h) {
        printf(" h_errno %d\n", failed);
        return;
    }
    printf(" %s %d %d", h->h_name, h->h_addrtype, h->h_length);
    for (char **a = h->h_aliases; *a; a++) printf(" alias %s", *a);
    for (char **a = h->h_addr_list; *a; a++) {
        char text[64];
        printf(" %s", inet_ntop(h->h_addrtype, *a, text, sizeof text));
    }
    putchar('\n');
}

static void message(const char *what, const char *name, int n, const unsigned char *answer, int failed) {
    printf("%s %s:", what, name);
    if (n < 0) {
        printf(" h_errno %d\n", failed);
        return;
    }
    printf(" %s answers %d rcode %d", n > 512 ? "long" : "short", ntohs(((const HEADER *)answer)->ancount), answer[3] & 15);
    putchar('\n');
}

static volatile int told;

static void on_done(union sigval v) { told = v.sival_int; }

/* getaddrinfo_a, waiting, and told by a thread. */
static void later(const char *name) {
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct gaicb one = {.ar_name = name, .ar_service = "80", .ar_request = &hints}, two = {.ar_name = name}, *list[] = {&one, NULL, &two};
    int r = getaddrinfo_a(GAI_WAIT, list, 3, NULL);
    printf("later %s: %d %s %s %d\n", name, r, code(gai_error(&one)), code(gai_error(&two)), one.ar_result ? one.ar_result->ai_family : 0);
    if (gai_error(&one) == 0) freeaddrinfo(one.ar_result);
    if (gai_error(&two) == 0) freeaddrinfo(two.ar_result);
    struct sigevent e = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_done, .sigev_value.sival_int = 7};
    told = 0;
    r = getaddrinfo_a(GAI_NOWAIT, list, 1, &e);
    const struct gaicb *wait[] = {&one};
    while (gai_error(&one) == EAI_INPROGRESS) gai_suspend(wait, 1, NULL);
    for (int i = 0; i < 1000 && !told; i++) usleep(5000);
    printf("told %s: %d %s %d\n", name, r, code(gai_error(&one)), told);
    if (gai_error(&one) == 0) freeaddrinfo(one.ar_result);
    printf("mode %s: %s\n", name, code(getaddrinfo_a(9, list, 1, NULL)));
}

static int few;

static void by_name(const char *name) {
    if (few) {
        unsigned char short_answer[512];
        info("v4 canon", name, "domain", AF_INET, 0, AI_CANONNAME);
        h_errno = 0;
        int m = res_query(name, C_IN, T_A, short_answer, sizeof short_answer);
        message("query A", name, m, short_answer, h_errno);
        return;
    }
    info("any", name, NULL, AF_UNSPEC, 0, 0);
    info("default", name, "http", AF_UNSPEC, 0, -2);
    info("v4", name, "80", AF_INET, SOCK_STREAM, 0);
    info("v4 canon", name, "domain", AF_INET, 0, AI_CANONNAME);
    info("v6", name, NULL, AF_INET6, SOCK_STREAM, 0);
    info("v6 mapped", name, NULL, AF_INET6, SOCK_STREAM, AI_V4MAPPED);
    info("v6 mapped all", name, NULL, AF_INET6, SOCK_STREAM, AI_V4MAPPED | AI_ALL);
    info("config", name, "https", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG | AI_CANONNAME);
    info("config v6", name, NULL, AF_INET6, SOCK_STREAM, AI_ADDRCONFIG);
    later(name);
    info("numeric", name, NULL, AF_UNSPEC, SOCK_STREAM, AI_NUMERICHOST);
    h_errno = 0;
    struct hostent *h = gethostbyname(name);
    host("byname", name, h, h_errno);
    h_errno = 0;
    h = gethostbyname2(name, AF_INET6);
    host("byname2", name, h, h_errno);
    struct hostent entry, *result = &entry;
    char buf[2048];
    int failed = 99, r = gethostbyname_r(name, &entry, buf, sizeof buf, &result, &failed);
    printf("r %d ", r == 0 ? 0 : r == ERANGE ? 2 : 1);
    host("byname_r", name, result, failed);
    result = &entry;
    r = gethostbyname_r(name, &entry, buf, 8, &result, &failed);
    if (result || r == ERANGE) printf("small: %s %d %d\n", result ? "result" : "null", r, failed);
    unsigned char answer[8192];
    h_errno = 0;
    int n = res_query(name, C_IN, T_A, answer, sizeof answer);
    message("query A", name, n, answer, h_errno);
    h_errno = 0;
    n = res_search(name, C_IN, T_TXT, answer, sizeof answer);
    message("search TXT", name, n, answer, h_errno);
    res_ninit(&_res);
    n = res_nsearch(&_res, name, C_IN, T_A, answer, sizeof answer);
    message("nsearch A", name, n, answer, _res.res_h_errno);
    n = res_nquerydomain(&_res, name, "example.test", C_IN, T_A, answer, sizeof answer);
    message("nquerydomain A", name, n, answer, _res.res_h_errno);
    unsigned char query[512];
    int len = res_nmkquery(&_res, QUERY, name, C_IN, T_A, NULL, 0, NULL, query, sizeof query);
    if (len > 0) {
        n = res_nsend(&_res, query, len, answer, sizeof answer);
        printf("send %s: %s\n", name, n > 0 && answer[0] == query[0] && answer[1] == query[1] ? "answered" : "no answer");
    }
}

static void name_of(const char *what, struct sockaddr *a, socklen_t len, int flags, socklen_t room) {
    char host[256] = "", service[64] = "";
    int e = getnameinfo(a, len, host, room, service, sizeof service, flags);
    printf("%s: %s %s %s\n", what, code(e), e == 0 ? host : "-", e == 0 ? service : "-");
}

static void by_address(const char *text) {
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
    struct sockaddr *a = (void *)&v4;
    socklen_t len = sizeof v4;
    void *raw = &v4.sin_addr;
    int size = 4;
    if (inet_pton(AF_INET, text, &v4.sin_addr) != 1) {
        if (inet_pton(AF_INET6, text, &v6.sin6_addr) != 1) exit(2);
        a = (void *)&v6;
        len = sizeof v6;
        raw = &v6.sin6_addr;
        size = 16;
    }
    printf("address %s\n", text);
    name_of("info", a, len, 0, 256);
    if (few) return;
    name_of("info required", a, len, NI_NAMEREQD, 256);
    name_of("info number", a, len, NI_NUMERICHOST | NI_NUMERICSERV, 256);
    name_of("info short", a, len, NI_NOFQDN, 256);
    name_of("info datagram", a, len, NI_DGRAM, 256);
    name_of("info no room", a, len, 0, 4);
    name_of("info both", a, len, NI_NAMEREQD | NI_NUMERICHOST, 256);
    name_of("info cut", a, 4, 0, 256);
    h_errno = 0;
    struct hostent *h = gethostbyaddr(raw, (socklen_t)size, a->sa_family);
    host("byaddr", text, h, h_errno);
    struct hostent entry, *result = &entry;
    char buf[2048];
    int failed = 99, r = gethostbyaddr_r(raw, (socklen_t)size, a->sa_family, &entry, buf, sizeof buf, &result, &failed);
    printf("r %d ", r == 0 ? 0 : 1);
    host("byaddr_r", text, result, failed);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        unsigned char scratch[16];
        /* Before anything has been asked, as libc would. */
        if (strcmp(argv[i], "-few") == 0) few = 1;
        else if (argv[i][0] == '@') by_address(argv[i] + 1);
        else if (inet_pton(AF_INET, argv[i], scratch) == 1) by_address(argv[i]);
        else by_name(argv[i]);
        fflush(stdout);
    }
    return 0;
}
