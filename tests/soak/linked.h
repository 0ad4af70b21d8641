/* The socket calls of a program, spelled matnet_*: for the soak linked with the static library. */
#include "../../include/matnet.h"
#define socket matnet_socket
#define bind matnet_bind
#define listen matnet_listen
#define accept matnet_accept
#define connect matnet_connect
#define shutdown matnet_shutdown
#define getsockname matnet_getsockname
#define getsockopt matnet_getsockopt
#define setsockopt matnet_setsockopt
#define send matnet_send
#define sendto matnet_sendto
#define recv matnet_recv
#define poll matnet_poll
#define epoll_ctl matnet_epoll_ctl
#define close matnet_close
#define dup matnet_dup
#define dup2 matnet_dup2
#define fcntl matnet_fcntl
