/*
 * matnet.h: POSIX socket calls on a TCP/IP stack of the program's own.
 *
 * matnet_socket() makes a socket of a host that lives in this process: its own address, its own
 * TCP/IP, on a TAP device. The other functions are those of POSIX with matnet_ before the name: the
 * same arguments, -1 and errno on failure, real file descriptors. They also take descriptors of the
 * kernel.
 *
 *     cc program.c $(pkg-config --cflags --libs matnet)
 *
 * With the shared library read, write, poll, close and the other calls of libc work on these sockets
 * too. With the static one (libmatnet.a) only the functions of this header do, they must not be
 * called in a signal handler, and exit() (not _exit) must end the program.
 *
 * Options come from the environment (MATNET_TAP, MATNET_ADDR, ...) or from matnet_init().
 *
 * Made by scripts/header.sh from capi/src. Change it there.
 */


#ifndef MATNET_H
#define MATNET_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/** The version of this header as text; matnet_version() is that of the library. */
#define MATNET_VERSION "0.1.0"

/** An initialiser for struct matnet_config: every option from the environment. */
#define MATNET_CONFIG_INIT \
    { sizeof(struct matnet_config), NULL, NULL, NULL, NULL, NULL, NULL, \
      NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL }

/** An initialiser for struct matnet_stats. */
#define MATNET_STATS_INIT \
    { sizeof(struct matnet_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/**
 * The version of this header, major part: programs built for another major part must be built
 * again.
 */
#define MATNET_VERSION_MAJOR 0

/**
 * The version of this header, minor part: grows with new functions and new fields.
 */
#define MATNET_VERSION_MINOR 1

/**
 * The version of this header, patch part: grows with corrections.
 */
#define MATNET_VERSION_PATCH 0

/**
 * Options of the stack. Make it with MATNET_CONFIG_INIT and set what you need; later versions add
 * fields at the end.
 *
 * Each field is a string as in the variable of the same name, MATNET_TAP for `tap` and so on. NULL
 * leaves it to that variable, and without one to the default.
 */
struct matnet_config {
    /**
     * sizeof(struct matnet_config) of the caller.
     */
    size_t size;
    /**
     * The TAP device, such as "matnet0".
     */
    const char *tap;
    /**
     * The program's own IPv4 address and prefix, such as "10.88.45.2/24".
     */
    const char *addr;
    /**
     * The router of the default route; "none" for no route.
     */
    const char *gateway;
    /**
     * The program's own Ethernet address.
     */
    const char *mac;
    /**
     * The largest IP packet on the link, in bytes.
     */
    const char *mtu;
    /**
     * Destinations that go to the kernel, such as "192.168.0.0/16,10.0.0.5:53".
     */
    const char *bypass;
    /**
     * Who serves 127.0.0.0/8: "kernel" or "stack".
     */
    const char *loopback;
    /**
     * Congestion control: "reno", "cubic" or "bbr" (MATNET_CC).
     */
    const char *congestion;
    /**
     * A file that gets every frame as pcapng; %p stands for the process id.
     */
    const char *pcap;
    /**
     * How long exit may wait for bytes that the peer has not acknowledged, such as "5s".
     */
    const char *linger;
    /**
     * How much is logged: "error", "warn", "info", "debug" or "trace".
     */
    const char *log;
    /**
     * A file that gets the log lines; %p stands for the process id.
     */
    const char *log_file;
    /**
     * Faults on the link, such as "loss=1%,delay=20ms".
     */
    const char *fault;
    /**
     * Explicit congestion notification: "off", "passive" or "on".
     */
    const char *ecn;
};

/**
 * What the stack has done so far. Make it with MATNET_STATS_INIT; later versions add fields at the
 * end.
 */
struct matnet_stats {
    /**
     * sizeof(struct matnet_stats) of the caller, set before the call. Afterwards: how many bytes
     * were filled.
     */
    size_t size;
    /**
     * Frames received from the device.
     */
    uint64_t frames_in;
    /**
     * Bytes of frames received from the device.
     */
    uint64_t bytes_in;
    /**
     * Frames handed to the device.
     */
    uint64_t frames_out;
    /**
     * Bytes of frames handed to the device.
     */
    uint64_t bytes_out;
    /**
     * IPv4 packets received.
     */
    uint64_t ip_in;
    /**
     * IPv4 packets sent.
     */
    uint64_t ip_out;
    /**
     * ICMP messages received.
     */
    uint64_t icmp_in;
    /**
     * UDP datagrams delivered to a socket.
     */
    uint64_t udp_in;
    /**
     * UDP datagrams sent.
     */
    uint64_t udp_out;
    /**
     * TCP segments received (a frame of several counts its segments).
     */
    uint64_t tcp_in;
    /**
     * TCP segments sent.
     */
    uint64_t tcp_out;
    /**
     * Sockets of this process that are open now.
     */
    uint64_t sockets;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library that runs, such as "0.1.0". Compare it with `MATNET_VERSION`, the
 * version of the header that the program was built with.
 *
 * Returns a string that lives as long as the program; never NULL.
 */
const char *matnet_version(void);

/**
 * Gives the options by program. It is not needed when the defaults and the environment will do.
 * `config` may be NULL: everything from the environment.
 *
 * Call it first in main, before other threads start: before the first `matnet_socket`, and with
 * the shared library before any socket(2) for the internet, which reads the options too. Under
 * LD_PRELOAD it may be too late in any case: then the environment holds.
 *
 * Nothing is opened yet: that is for the first `matnet_socket`.
 *
 * Returns 0, or -1 and errno: EBUSY when the options were read already, EINVAL when a value (here
 * or in the environment) is not understood: one line on standard error says which and what was
 * expected. EINVAL also when `size` is not set; E2BIG when the structure is of a later version and
 * uses a field that this one does not know.
 */
int matnet_init(const struct matnet_config *config);

/**
 * Makes a socket of the program's own host, as socket(2). The first one starts the stack: it opens
 * (or makes) the TAP device.
 *
 * AF_INET, and AF_INET6 for IPv4 in v4-mapped addresses, with SOCK_STREAM, SOCK_DGRAM, or
 * SOCK_DGRAM with IPPROTO_ICMP (ping). SOCK_NONBLOCK and SOCK_CLOEXEC may be or-ed to the type.
 * Any other family gives a socket of the kernel. MATNET_HOOK has no say here.
 *
 * Returns a real file descriptor. -1 and errno as socket(2); ENETDOWN when the stack cannot start:
 * one line on standard error (or in the log file) says why and what to do.
 */
int matnet_socket(int domain, int type, int protocol);

/**
 * Gives a socket its local address, as bind(2). An address in 127.0.0.0/8 or in MATNET_BYPASS
 * makes it a socket of the kernel, with the same number and the options set so far.
 *
 * Returns 0, or -1 and errno.
 */
int matnet_bind(int fd, const struct sockaddr *addr, socklen_t len);

/**
 * Makes a stream socket accept connections, as listen(2).
 *
 * Returns 0, or -1 and errno.
 */
int matnet_listen(int fd, int backlog);

/**
 * Takes the next connection, as accept(2). `addr` and `len` may both be NULL.
 *
 * Returns a new file descriptor, or -1 and errno.
 */
int matnet_accept(int fd, struct sockaddr *addr, socklen_t *len);

/**
 * As `matnet_accept`, with flags for the new descriptor: SOCK_NONBLOCK, SOCK_CLOEXEC; accept4(2).
 *
 * Returns a new file descriptor, or -1 and errno.
 */
int matnet_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

/**
 * Connects to a peer, as connect(2). An address in 127.0.0.0/8 or in MATNET_BYPASS makes it a
 * socket of the kernel, with the same number and the options set so far.
 *
 * Returns 0, or -1 and errno.
 */
int matnet_connect(int fd, const struct sockaddr *addr, socklen_t len);

/**
 * Ends one direction of a connection or both, as shutdown(2).
 *
 * Returns 0, or -1 and errno.
 */
int matnet_shutdown(int fd, int how);

/**
 * The local address, as getsockname(2).
 *
 * Returns 0, or -1 and errno.
 */
int matnet_getsockname(int fd, struct sockaddr *addr, socklen_t *len);

/**
 * The peer's address, as getpeername(2).
 *
 * Returns 0, or -1 and errno; ENOTCONN when there is no peer.
 */
int matnet_getpeername(int fd, struct sockaddr *addr, socklen_t *len);

/**
 * Sets an option of a socket, as setsockopt(2).
 *
 * Returns 0, or -1 and errno; ENOPROTOOPT for an option that the stack does not know.
 */
int matnet_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

/**
 * Reads an option of a socket, as getsockopt(2). `len` holds the room before and the length after
 * the call.
 *
 * Returns 0, or -1 and errno; ENOPROTOOPT for an option that the stack does not know.
 */
int matnet_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

/**
 * Sends on a connected socket, as send(2). A peer that is gone gives EPIPE and the signal SIGPIPE,
 * unless `flags` has MSG_NOSIGNAL.
 *
 * Returns the number of bytes taken, which may be fewer than `len`; or -1 and errno.
 */
ssize_t matnet_send(int fd, const void *data, size_t len, int flags);

/**
 * As `matnet_send`, to an address; sendto(2). `addr` may be NULL on a connected socket.
 *
 * Returns the number of bytes taken, or -1 and errno.
 */
ssize_t matnet_sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *addr, socklen_t addrlen);

/**
 * Receives from a socket, as recv(2).
 *
 * Returns the number of bytes; 0 when the peer has finished sending; or -1 and errno.
 */
ssize_t matnet_recv(int fd, void *data, size_t len, int flags);

/**
 * As `matnet_recv`, and tells who sent it; recvfrom(2). `addr` and `addrlen` may both be NULL.
 *
 * Returns the number of bytes, or -1 and errno.
 */
ssize_t matnet_recvfrom(int fd, void *data, size_t len, int flags, struct sockaddr *addr, socklen_t *addrlen);

/**
 * Reads from a socket, or from any other file descriptor, as read(2).
 *
 * Returns the number of bytes; 0 at the end; or -1 and errno.
 */
ssize_t matnet_read(int fd, void *data, size_t len);

/**
 * Writes to a socket, or to any other file descriptor, as write(2).
 *
 * Returns the number of bytes taken, or -1 and errno.
 */
ssize_t matnet_write(int fd, const void *data, size_t len);

/**
 * As `matnet_read`, into several buffers; readv(2).
 *
 * Returns the number of bytes, or -1 and errno.
 */
ssize_t matnet_readv(int fd, const struct iovec *iov, int n);

/**
 * As `matnet_write`, from several buffers; writev(2).
 *
 * Returns the number of bytes taken, or -1 and errno.
 */
ssize_t matnet_writev(int fd, const struct iovec *iov, int n);

/**
 * Sends from several buffers, with an address and control messages, as sendmsg(2).
 *
 * Returns the number of bytes taken, or -1 and errno.
 */
ssize_t matnet_sendmsg(int fd, const struct msghdr *msg, int flags);

/**
 * Receives into several buffers, with the sender's address and control messages, as recvmsg(2).
 *
 * Returns the number of bytes, or -1 and errno.
 */
ssize_t matnet_recvmsg(int fd, struct msghdr *msg, int flags);

/**
 * Waits until one of several descriptors is ready, as poll(2). Sockets of ours and descriptors of
 * the kernel may be mixed. `timeout` is in milliseconds; negative waits without limit.
 *
 * Returns how many are ready, 0 when the time is over, or -1 and errno.
 */
int matnet_poll(struct pollfd *fds, nfds_t n, int timeout);

/**
 * Waits until one of several descriptors below `n` is ready, as select(2). Sockets of ours and
 * descriptors of the kernel may be mixed; each set may be NULL. `timeout` NULL waits without
 * limit; else it holds the time left afterwards.
 *
 * Returns how many are ready, 0 when the time is over, or -1 and errno.
 */
int matnet_select(int n, fd_set *readfds, fd_set *writefds, fd_set *exceptfds, struct timeval *timeout);

/**
 * Adds a socket of ours, or any other descriptor, to a set of the kernel's epoll, changes or
 * removes it, as epoll_ctl(2). The set itself is an ordinary one: epoll_create1(2) makes it and
 * epoll_wait(2) waits on it.
 *
 * Returns 0, or -1 and errno.
 */
int matnet_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event);

/**
 * Closes a socket, or any other file descriptor, as close(2). What was sent before still reaches
 * the peer.
 *
 * With the static library every socket of `matnet_socket` must be closed by this function:
 * close(2) would free the number but not the connection. With the shared library close(2) does as
 * well.
 *
 * Returns 0, or -1 and errno.
 */
int matnet_close(int fd);

/**
 * Another number for the same socket or file, as dup(2).
 *
 * Returns the new file descriptor, or -1 and errno.
 */
int matnet_dup(int fd);

/**
 * Makes `target` another number for the same socket or file, as dup2(2); what it was before is
 * closed.
 *
 * Returns `target`, or -1 and errno.
 */
int matnet_dup2(int fd, int target);

/**
 * Flags and other properties of a socket or file, as fcntl(2): F_GETFL, F_SETFL with
 * O_NONBLOCK, F_GETFD, F_SETFD, F_DUPFD, ...
 *
 * Returns what `cmd` returns, or -1 and errno.
 */
extern int matnet_fcntl(int fd, int cmd, ...);

/**
 * Device requests, as ioctl(2): FIONREAD, FIONBIO, SIOCOUTQ, ...
 *
 * Returns what `request` returns, or -1 and errno.
 */
extern int matnet_ioctl(int fd, unsigned long request, ...);

/**
 * Reads the stack's figures. All are 0 before the first socket.
 *
 * Returns 0, or -1 and errno: EFAULT for NULL, EINVAL when `size` is not set.
 */
int matnet_stats(struct matnet_stats *stats);

/**
 * Reads one of the stack's counters by its name, such as "frame_runt"; there is one for every
 * reason to drop a packet. It is 0 before the first socket.
 *
 * Returns 0, or -1 and errno: EFAULT for NULL, ENOENT when there is no such counter.
 */
int matnet_counter(const char *name, uint64_t *value);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* MATNET_H */
