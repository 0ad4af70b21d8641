// The header is C++ too, and stands alone.
#include <matnet.h>
#include <matnet.h>

#include <cstring>

int main()
{
    matnet_config config = MATNET_CONFIG_INIT;
    struct matnet_stats stats = MATNET_STATS_INIT;
    config.linger = "1s";
    if (matnet_init(&config) != 0 || matnet_stats(&stats) != 0)
        return 1;
    int (*volatile connect)(int, const sockaddr *, socklen_t) = matnet_connect;
    if (connect(-1, nullptr, 0) != -1)
        return 1;
    return std::strcmp(matnet_version(), MATNET_VERSION) == 0 ? 0 : 1;
}
