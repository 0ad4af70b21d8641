/* Names that need no name server: numbers, services, /etc/hosts, errors, AI_ADDRCONFIG on a host with IPv4 only. What name servers say is compared in
 * tests/programs/dns.sh. */
#include "case.h"
#include <netdb.h>

static const char *word(int e) {
    switch (e) {
    case 0: return "ok";
    case EAI_NONAME: return "NONAME";
    case EAI_FAMILY: return "FAMILY";
    case EAI_SERVICE: return "SERVICE";
    case EAI_SOCKTYPE: return "SOCKTYPE";
    case EAI_BADFLAGS: return "BADFLAGS";
    case EAI_OVERFLOW: return "OVERFLOW";
    case EAI_ADDRFAMILY: return "ADDRFAMILY";
    case EAI_NODATA: return "NODATA";
    case EAI_AGAIN: return "AGAIN";
    case EAI_SYSTEM: return "SYSTEM";
    }
    return "other";
}

static void info(const char *node, const char *service, int family, int type, int flags) {
    struct addrinfo h = {.ai_family = family, .ai_socktype = type, .ai_flags = flags}, *list = NULL;
    int e = getaddrinfo(node, service, flags == -1 ? NULL : &h, &list);
    printf("%s %s %d %d %x: %s", node ? node : "-", service ? service : "-", family, type, flags, word(e));
    for (struct addrinfo *i = e ? NULL : list; i; i = i->ai_next) {
        char host[64], port[16];
        getnameinfo(i->ai_addr, i->ai_addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        printf(" [%d %d %d %x %s %s %s]", i->ai_family, i->ai_socktype, i->ai_protocol, i->ai_flags, host, port, i->ai_canonname ? i->ai_canonname : "-");
    }
    putchar('\n');
    if (!e) freeaddrinfo(list);
}

CASE(numbers) {
    const char *forms[] = {"10.88.45.1", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "10.88.45.1 ", "::1", "::ffff:10.88.45.1", "fe80::1%lo", "fe80::1%9999x"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) info(forms[i], "80", AF_UNSPEC, SOCK_STREAM, AI_NUMERICHOST);
}

CASE(not_numbers) {
    const char *forms[] = {"localhost", "", "256.1.1.1", "1.2.3.4.5", "1.2.3.", ":::", "1::2::3"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) info(forms[i], "80", AF_UNSPEC, SOCK_STREAM, AI_NUMERICHOST);
}

CASE(services) {
    info("10.88.45.1", "http", AF_UNSPEC, 0, 0);
    info("10.88.45.1", "domain", AF_INET, 0, 0);
    info("10.88.45.1", "http", AF_INET, SOCK_RAW, 0);
    info("10.88.45.1", "no-such-service", AF_INET, SOCK_STREAM, 0);
    info("10.88.45.1", "http", AF_INET, SOCK_STREAM, AI_NUMERICSERV);
    info("10.88.45.1", "65535", AF_INET, SOCK_STREAM, AI_NUMERICSERV);
    info("10.88.45.1", "", AF_INET, SOCK_STREAM, 0);
    info("10.88.45.1", "80x", AF_INET, SOCK_STREAM, 0);
}

CASE(families_of_numbers) {
    info("10.88.45.1", "80", AF_INET6, SOCK_STREAM, 0);
    info("10.88.45.1", "80", AF_INET6, SOCK_STREAM, AI_V4MAPPED);
    info("::1", "80", AF_INET, SOCK_STREAM, 0);
    info("::ffff:10.88.45.1", "80", AF_INET, SOCK_STREAM, 0);
    info("2001:db8::1", "80", AF_INET6, SOCK_DGRAM, AI_CANONNAME);
    info("10.88.45.1", "80", AF_UNIX, SOCK_STREAM, 0);
    info("10.88.45.1", "80", AF_INET, 77, 0);
}

CASE(no_node) {
    info(NULL, "80", AF_UNSPEC, SOCK_STREAM, AI_PASSIVE);
    info(NULL, "80", AF_UNSPEC, SOCK_STREAM, 0);
    info(NULL, "80", AF_INET6, SOCK_DGRAM, AI_PASSIVE);
    info(NULL, NULL, AF_UNSPEC, SOCK_STREAM, AI_PASSIVE);
    info("*", "80", AF_INET, SOCK_STREAM, AI_PASSIVE);
    info(NULL, "80", AF_INET, SOCK_STREAM, AI_CANONNAME);
}

CASE(bad_flags) {
    info("10.88.45.1", "80", AF_INET, SOCK_STREAM, 0x40000000);
    info("localhost", "80", AF_INET, SOCK_STREAM, 0x40000000);
}

/* differs: address_config: ^2001|^10.88.45.1 80 10 : the kernel's host has a link-local IPv6 address here, the program's has none */
CASE(address_config) {
    info("10.88.45.1", "80", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG);
    info("10.88.45.1", "80", AF_UNSPEC, SOCK_STREAM, -1);
    info("10.88.45.1", "80", AF_INET, SOCK_STREAM, AI_ADDRCONFIG | AI_CANONNAME);
    info("2001:db8::1", "80", AF_UNSPEC, SOCK_STREAM, AI_ADDRCONFIG | AI_NUMERICHOST);
    info("2001:db8::1", "80", AF_INET6, SOCK_STREAM, AI_ADDRCONFIG);
    info("10.88.45.1", "80", AF_INET6, SOCK_STREAM, AI_ADDRCONFIG | AI_V4MAPPED);
}

CASE(in_the_file) {
    info("localhost", "80", AF_INET, SOCK_STREAM, AI_CANONNAME);
    struct hostent *h = gethostbyname("localhost");
    say("gethostbyname", "%s %d", h ? h->h_name : "none", h ? h->h_length : 0);
    struct in_addr lo = {htonl(INADDR_LOOPBACK)};
    h = gethostbyaddr(&lo, sizeof lo, AF_INET);
    say("gethostbyaddr", "%s", h ? h->h_name : "none");
}

CASE(hostent_of_numbers) {
    struct hostent *h = gethostbyname("10.88.45.1");
    say("v4", "%s %d %s", h ? h->h_name : "none", h ? h->h_addrtype : 0, h ? inet_ntoa(*(struct in_addr *)h->h_addr_list[0]) : "");
    h = gethostbyname2("::1", AF_INET6);
    say("v6", "%s %d", h ? h->h_name : "none", h ? h->h_length : 0);
    h_errno = 0;
    h = gethostbyname("1.2.3.4.5");
    say("no number", "%s %d", h ? "found" : "none", h_errno);
    h = gethostbyname2("10.88.45.1", AF_INET6);
    say("v4 as v6", "%s", h ? "found" : "none");
}

CASE(hostent_r) {
    struct hostent entry, *result = &entry;
    char buf[512];
    int failed = 7;
    say("small", "%d", gethostbyname_r("10.88.45.1", &entry, buf, 4, &result, &failed) == ERANGE);
    say("result", "%s %d", result ? "set" : "null", failed);
    say("enough", "%d", gethostbyname_r("10.88.45.1", &entry, buf, sizeof buf, &result, &failed));
    say("result", "%d %s %d", result == &entry, entry.h_name, entry.h_length);
    say("inside", "%d", entry.h_name >= buf && entry.h_name < buf + sizeof buf);
}

CASE(name_info) {
    struct sockaddr_in a = at(peer_ip, 80);
    char host[64] = "", service[64] = "";
    say("numbers", "%s %s %s", word(getnameinfo((void *)&a, sizeof a, host, sizeof host, service, sizeof service, NI_NUMERICHOST | NI_NUMERICSERV)), host, service);
    say("service", "%s %s", word(getnameinfo((void *)&a, sizeof a, NULL, 0, service, sizeof service, 0)), service);
    say("datagram", "%s %s", word(getnameinfo((void *)&a, sizeof a, NULL, 0, service, sizeof service, NI_DGRAM)), service);
    say("no room", "%s", word(getnameinfo((void *)&a, sizeof a, host, 4, NULL, 0, NI_NUMERICHOST)));
    say("neither", "%s", word(getnameinfo((void *)&a, sizeof a, NULL, 0, NULL, 0, 0)));
    say("required", "%s", word(getnameinfo((void *)&a, sizeof a, host, sizeof host, NULL, 0, NI_NUMERICHOST | NI_NAMEREQD)));
    say("short", "%s", word(getnameinfo((void *)&a, 4, host, sizeof host, NULL, 0, NI_NUMERICHOST)));
    say("flags", "%s", word(getnameinfo((void *)&a, sizeof a, host, sizeof host, NULL, 0, 0x4000)));
    a.sin_family = 77;
    say("family", "%s", word(getnameinfo((void *)&a, sizeof a, host, sizeof host, NULL, 0, NI_NUMERICHOST)));
}
