/* C streams on sockets: stdio reads, writes and closes past the hooks on read, write and close. */
#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

int main(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(4400)};
    char line[256];
    static char big[200000], back[200000];
    int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

    inet_pton(AF_INET, "10.88.45.2", &at.sin_addr);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    CHECK("listens", bind(listener, (void *)&at, sizeof at) == 0 && listen(listener, 1) == 0);
    CHECK("connects", connect(client, (void *)&at, sizeof at) == 0);
    int server = accept(listener, NULL, NULL);
    FILE *out = fdopen(client, "w"), *in = fdopen(server, "r");
    CHECK("fdopen", out && in);
    CHECK("fileno", fileno(out) == client && fileno(in) == server);
    CHECK("fileno of others", fileno(stdin) == 0);
    CHECK("bad mode", fdopen(client, "q") == NULL && errno == EINVAL);

    fprintf(out, "hello %d\n", 42);
    CHECK("buffered", recv(server, line, sizeof line, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    CHECK("flush", fflush(out) == 0);
    CHECK("line", fgets(line, sizeof line, in) && !strcmp(line, "hello 42\n"));

    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 7);
    CHECK("writes much", fwrite(big, 1, sizeof big, out) == sizeof big && fflush(out) == 0);
    CHECK("reads much", fread(back, 1, sizeof back, in) == sizeof back && !memcmp(big, back, sizeof big));

    fcntl(server, F_SETFL, O_NONBLOCK);
    CHECK("nothing yet", fgetc(in) == EOF && ferror(in) && errno == EAGAIN);
    clearerr(in);
    fcntl(server, F_SETFL, 0);
    CHECK("a stream does not seek", fseek(in, 0, SEEK_SET) == -1 && errno == ESPIPE);

    fputs("the last", out);
    CHECK("fclose delivers", fclose(out) == 0);
    CHECK("and closes", fcntl(client, F_GETFD) == -1 && errno == EBADF);
    CHECK("what was left", fgets(line, sizeof line, in) && !strcmp(line, "the last"));
    CHECK("end", fgetc(in) == EOF && feof(in) && !ferror(in));
    CHECK("the other end", fclose(in) == 0);
    CHECK("numbers are free", socket(AF_INET, SOCK_DGRAM, 0) == client);
    DONE();
}
