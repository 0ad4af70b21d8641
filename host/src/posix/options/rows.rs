//! The rows of [`super::table`]. Numbers that libc does not name everywhere are those of <asm-generic/socket.h>, <linux/in.h>,
//! <linux/tcp.h>, <linux/udp.h> and <linux/in6.h>.

use libc::c_int;

use super::table::{Effect, Form, How, Needs, On, Row};
use crate::errno::Errno;

const S: c_int = libc::SOL_SOCKET;
const T: c_int = libc::IPPROTO_TCP;
const U: c_int = libc::IPPROTO_UDP;
const I: c_int = libc::IPPROTO_IP;
const I6: c_int = libc::IPPROTO_IPV6;

use Effect::{Held, Honoured, Refused};
use Form::{Any as Int, Flag, LowWater, Range, Zero};
use How::{Code, Constant, Never, Only, Refuse, Take};
use On::{Any, Datagram, Stream};

const fn row(
    level: c_int,
    name: c_int,
    id: &'static str,
    on: On,
    effect: Effect,
    how: How,
    note: &'static str,
) -> Row {
    Row { level, name, id, on, effect, how, note }
}

const fn keep(default: i32, form: Form) -> How {
    How::Keep { default, form, needs: Needs::Nothing }
}

const fn kept(default: i32, form: Form, needs: Needs) -> How {
    How::Keep { default, form, needs }
}

const fn never(e: Errno) -> How {
    Never { get: e, set: e }
}

const FLAG: How = Code("flag");
const READ: How = Code("to read only");
const NO: Errno = Errno::ENOPROTOOPT;
const MAX: i32 = i32::MAX;
const ADMIN: Needs = Needs::Admin(Errno::EPERM);
const UNIX: &str = "belongs to AF_UNIX sockets, as in the kernel";
const V6: &str = "acts on IPv6 packets, and these sockets carry IPv4";
const BUSY: &str = "how the kernel polls its drivers; here a call spins if MATNET_SPIN says so";
const REPAIR: &str = "checkpointing: refused as without CAP_NET_ADMIN";

/// Every option that is known.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(S, 1, "SO_DEBUG", Any, Held, kept(0, Flag, Needs::Admin(Errno::EACCES)), "the kernel prints with it only when built to"),
    row(S, 2, "SO_REUSEADDR", Any, Honoured, FLAG, "two sockets may have one port as in the kernel"),
    row(S, 3, "SO_TYPE", Any, Honoured, READ, ""),
    row(S, 4, "SO_ERROR", Any, Honoured, READ, "told once"),
    row(S, 5, "SO_DONTROUTE", Any, Honoured, FLAG, "what is not on the link is ENETUNREACH for connect, sendto and sendmsg; \
        a connection that is open already goes on through the router"),
    row(S, 6, "SO_BROADCAST", Datagram, Honoured, FLAG, "without it a broadcast address is EACCES"),
    row(S, 6, "SO_BROADCAST", Stream, Held, keep(0, Flag), "a stream cannot broadcast; the kernel ignores it too"),
    row(S, 7, "SO_SNDBUF", Any, Honoured, Code("bytes, doubled, 4608 to 8388608"), "what it bounds is payload, not the kernel's packet structures, so more fits"),
    row(S, 8, "SO_RCVBUF", Any, Honoured, Code("bytes, doubled, 2304 to 8388608"), "as SO_SNDBUF"),
    row(S, 9, "SO_KEEPALIVE", Stream, Honoured, FLAG, ""),
    row(S, 9, "SO_KEEPALIVE", Datagram, Held, keep(0, Flag), "no connection to keep; the kernel ignores it too"),
    row(S, 10, "SO_OOBINLINE", Stream, Honoured, FLAG, ""),
    row(S, 10, "SO_OOBINLINE", Datagram, Held, keep(0, Flag), "datagrams have no urgent data; the kernel ignores it too"),
    row(S, 11, "SO_NO_CHECK", Datagram, Honoured, FLAG, "datagrams leave without a checksum"),
    row(S, 11, "SO_NO_CHECK", Stream, Held, keep(0, Flag), "streams are always summed, as in the kernel"),
    row(S, 12, "SO_PRIORITY", Any, Held, Code("any int, outside 0 to 6 with CAP_NET_ADMIN or CAP_NET_RAW"),
        "orders packets of one host's queues; here each leaves as soon as it is made"),
    row(S, 13, "SO_LINGER", Any, Honoured, Code("struct linger"), ""),
    row(S, 14, "SO_BSDCOMPAT", Any, Held, keep(0, Zero), "without effect in the kernel since 2.4"),
    row(S, 15, "SO_REUSEPORT", Any, Honoured, FLAG, ""),
    row(S, 16, "SO_PASSCRED", Any, Refused, never(Errno::EOPNOTSUPP), UNIX),
    row(S, 17, "SO_PEERCRED", Any, Honoured, READ, "pid 0, uid and gid -1, as for any internet socket"),
    row(S, 18, "SO_RCVLOWAT", Stream, Honoured, Code("bytes, 1 to half of the receive buffer"), "for poll and for blocking reads"),
    row(S, 18, "SO_RCVLOWAT", Datagram, Held, keep(1, LowWater), "a datagram is always whole; the kernel ignores it too"),
    row(S, 19, "SO_SNDLOWAT", Any, Honoured, Constant(1), ""),
    row(S, 20, "SO_RCVTIMEO", Any, Honoured, Code("struct timeval"), ""),
    row(S, 21, "SO_SNDTIMEO", Any, Honoured, Code("struct timeval"), ""),
    row(S, 25, "SO_BINDTODEVICE", Any, Honoured, Code("our device's name, or none"), "`lo` makes the socket the kernel's; no other device is there: ENODEV"),
    row(S, 26, "SO_ATTACH_FILTER", Any, Honoured, Code("struct sock_fprog, 1 to 4096 instructions; on streams with CAP_NET_ADMIN"), "classic BPF runs on each datagram from its \
        UDP (ICMP, IP) header on, and on each segment of a stream from its TCP header on; negative offsets other than the network header's and SKF_AD_PROTOCOL, PKTTYPE, IFINDEX, HATYPE, \
        CPU and RANDOM find nothing. Reading the program back (SO_GET_FILTER) gives none, and a socket that becomes the kernel's leaves it behind"),
    row(S, 27, "SO_DETACH_FILTER", Any, Honoured, Code("any int, to set only"), ""),
    row(S, 28, "SO_PEERNAME", Any, Honoured, READ, ""),
    row(S, 29, "SO_TIMESTAMP", Any, Honoured, FLAG, "software receive times; the resolution is a microsecond"),
    row(S, 30, "SO_ACCEPTCONN", Any, Honoured, READ, ""),
    row(S, 31, "SO_PEERSEC", Any, Refused, never(NO), "no security labels, as on a kernel without such a module"),
    row(S, 32, "SO_SNDBUFFORCE", Any, Honoured, Code("as SO_SNDBUF without the limit, with CAP_NET_ADMIN, to set only"), ""),
    row(S, 33, "SO_RCVBUFFORCE", Any, Honoured, Code("as SO_RCVBUF without the limit, with CAP_NET_ADMIN, to set only"), ""),
    row(S, 34, "SO_PASSSEC", Any, Refused, never(Errno::EOPNOTSUPP), UNIX),
    row(S, 35, "SO_TIMESTAMPNS", Any, Honoured, FLAG, "software receive times; the resolution is a microsecond"),
    row(S, 36, "SO_MARK", Any, Held, kept(0, Int, Needs::AdminOrRaw), "routing rules and packet filters look at it; the stack has neither"),
    row(S, 37, "SO_TIMESTAMPING", Any, Honoured, Code("flags of <linux/net_tstamp.h>"), "software receive times; those of sending and of hardware never come, as with a device that has none"),
    row(S, 38, "SO_PROTOCOL", Any, Honoured, READ, ""),
    row(S, 39, "SO_DOMAIN", Any, Honoured, READ, ""),
    row(S, 40, "SO_RXQ_OVFL", Any, Honoured, FLAG, ""),
    row(S, 41, "SO_WIFI_STATUS", Any, Held, keep(0, Flag), "only a Wi-Fi driver sets it in motion"),
    row(S, 42, "SO_PEEK_OFF", Any, Honoured, Code("-1 for none, or bytes"), ""),
    row(S, 43, "SO_NOFCS", Any, Held, keep(0, Flag), "the device computes no frame check sequence either way"),
    row(S, 44, "SO_LOCK_FILTER", Any, Honoured, FLAG, "cannot be taken back: EPERM"),
    row(S, 45, "SO_SELECT_ERR_QUEUE", Any, Held, keep(0, Flag), "asks poll for POLLPRI beside POLLERR; only POLLERR comes"),
    row(S, 46, "SO_BUSY_POLL", Any, Held, keep(0, Range(0, MAX)), BUSY),
    row(S, 47, "SO_MAX_PACING_RATE", Stream, Honoured, Code("bytes per second, 32 or 64 bits; all set: no limit"), "the stack's own timer keeps frames apart"),
    row(S, 47, "SO_MAX_PACING_RATE", Datagram, Held, Code("bytes per second, 32 or 64 bits"), "datagrams leave at once, as on a kernel without the queueing discipline fq"),
    row(S, 48, "SO_BPF_EXTENSIONS", Any, Honoured, Constant(64), ""),
    row(S, 49, "SO_INCOMING_CPU", Any, Held, keep(-1, Int), "there are no queues of packets by processor to choose from"),
    row(S, 50, "SO_ATTACH_BPF", Any, Refused, Never { get: NO, set: Errno::EINVAL }, "programs of the kernel's BPF machine cannot be run here"),
    row(S, 51, "SO_ATTACH_REUSEPORT_CBPF", Any, Refused, Never { get: NO, set: Errno::EINVAL }, "sockets of a group are chosen by hash"),
    row(S, 52, "SO_ATTACH_REUSEPORT_EBPF", Any, Refused, Never { get: NO, set: Errno::EINVAL }, "as SO_ATTACH_BPF"),
    row(S, 53, "SO_CNX_ADVICE", Any, Held, Take(Int, Needs::Nothing), "there is one way to a destination"),
    row(S, 55, "SO_MEMINFO", Any, Honoured, READ, "bytes queued and the limits; the rest is 0"),
    row(S, 56, "SO_INCOMING_NAPI_ID", Any, Honoured, Constant(0), ""),
    row(S, 57, "SO_COOKIE", Any, Honoured, READ, "unique in this process"),
    row(S, 59, "SO_PEERGROUPS", Any, Refused, Never { get: Errno::ENODATA, set: NO }, UNIX),
    row(S, 60, "SO_ZEROCOPY", Any, Refused, Only(0, Errno::EOPNOTSUPP), "MSG_ZEROCOPY copies, as the kernel does when it cannot pin pages"),
    row(S, 61, "SO_TXTIME", Any, Refused, Code("struct sock_txtime: ENOPROTOOPT"), "packets leave at once"),
    row(S, 62, "SO_BINDTOIFINDEX", Any, Honoured, Code("a device's index, or 0"), "one of no device of ours: nothing leaves, ENODEV"),
    row(S, 63, "SO_TIMESTAMP_NEW", Any, Honoured, FLAG, "software receive times; the resolution is a microsecond"),
    row(S, 64, "SO_TIMESTAMPNS_NEW", Any, Honoured, FLAG, "software receive times; the resolution is a microsecond"),
    row(S, 65, "SO_TIMESTAMPING_NEW", Any, Honoured, Code("flags of <linux/net_tstamp.h>"), "software receive times; those of sending and of hardware never come, as with a device that has none"),
    row(S, 66, "SO_RCVTIMEO_NEW", Any, Honoured, Code("struct __kernel_sock_timeval"), ""),
    row(S, 67, "SO_SNDTIMEO_NEW", Any, Honoured, Code("struct __kernel_sock_timeval"), ""),
    row(S, 68, "SO_DETACH_REUSEPORT_BPF", Any, Refused, Never { get: NO, set: Errno::EINVAL }, "none can be attached"),
    row(S, 69, "SO_PREFER_BUSY_POLL", Any, Held, kept(0, Flag, ADMIN), BUSY),
    row(S, 70, "SO_BUSY_POLL_BUDGET", Any, Held, Take(Range(0, 65_535), ADMIN), BUSY),
    row(S, 71, "SO_NETNS_COOKIE", Any, Honoured, READ, "that of the process's network namespace"),
    row(S, 72, "SO_BUF_LOCK", Any, Honoured, Code("0 to 3"), "taking a lock back gives TCP's buffers back to automatic tuning"),
    row(S, 73, "SO_RESERVE_MEM", Any, Refused, Refuse(0, Errno::EOPNOTSUPP), "as on a kernel without memory cgroups"),
    row(S, 74, "SO_TXREHASH", Stream, Held, Code("-1 to 1, where -1 is 1"), "there is one way to a destination"),
    row(S, 74, "SO_TXREHASH", Datagram, Refused, never(Errno::EOPNOTSUPP), "for streams, as in the kernel"),
    row(S, 75, "SO_RCVMARK", Any, Refused, Only(0, NO), "packets carry no marks here"),
    row(S, 76, "SO_PASSPIDFD", Any, Refused, never(Errno::EOPNOTSUPP), UNIX),
    row(S, 77, "SO_PEERPIDFD", Any, Refused, Never { get: Errno::ENODATA, set: NO }, UNIX),
    row(S, 80, "SO_DEVMEM_DONTNEED", Any, Refused, Never { get: NO, set: Errno::EINVAL }, "no device memory"),
    row(S, 82, "SO_RCVPRIORITY", Any, Refused, Only(0, NO), "packets carry no priority here"),
    row(S, 83, "SO_PASSRIGHTS", Any, Refused, never(Errno::EOPNOTSUPP), UNIX),

    row(I, 1, "IP_TOS", Any, Honoured, Code("0 to 255; the ECN bits of a stream are TCP's"), "sets SO_PRIORITY as in the kernel"),
    row(I, 2, "IP_TTL", Any, Honoured, Code("1 to 255, -1 for 64"), ""),
    row(I, 3, "IP_HDRINCL", Any, Honoured, FLAG, "for raw sockets; to set it on others is ENOPROTOOPT, as in the kernel"),
    row(I, 4, "IP_OPTIONS", Any, Refused, Code("none; others are ENOPROTOOPT"), "packets have no IP options"),
    row(I, 5, "IP_ROUTER_ALERT", Any, Held, FLAG, "for raw sockets, others EINVAL; a host forwards no packet that it could show"),
    row(I, 6, "IP_RECVOPTS", Any, Held, FLAG, "options of packets are not kept, so no message comes"),
    row(I, 7, "IP_RETOPTS", Any, Held, FLAG, "options of packets are not kept, so no message comes"),
    row(I, 8, "IP_PKTINFO", Any, Honoured, FLAG, ""),
    row(I, 9, "IP_PKTOPTIONS", Stream, Honoured, Code("to read only"), "nothing: no messages are kept for a stream"),
    row(I, 10, "IP_MTU_DISCOVER", Any, Honoured, Code("0 to 5"), ""),
    row(I, 11, "IP_RECVERR", Any, Honoured, FLAG, "streams have no queue of errors after the handshake, as in the kernel"),
    row(I, 12, "IP_RECVTTL", Any, Honoured, FLAG, ""),
    row(I, 13, "IP_RECVTOS", Any, Honoured, FLAG, ""),
    row(I, 14, "IP_MTU", Any, Honoured, READ, "of the path to the peer; ENOTCONN without one"),
    row(I, 15, "IP_FREEBIND", Any, Honoured, FLAG, "bind takes any address; nothing arrives for an address that is not ours, and sending from it is ENETUNREACH"),
    row(I, 16, "IP_IPSEC_POLICY", Any, Refused, Never { get: NO, set: NO }, "no IPsec, as on a kernel without it"),
    row(I, 17, "IP_XFRM_POLICY", Any, Refused, Never { get: NO, set: NO }, "no IPsec, as on a kernel without it"),
    row(I, 18, "IP_PASSSEC", Any, Held, keep(0, Flag), "no security labels, so no message comes, as on a kernel without such a module"),
    row(I, 19, "IP_TRANSPARENT", Any, Refused, Only(0, Errno::EPERM), "as without CAP_NET_ADMIN: the stack routes nothing for others"),
    row(I, 20, "IP_RECVORIGDSTADDR", Any, Honoured, FLAG, ""),
    row(I, 21, "IP_MINTTL", Stream, Honoured, Code("0 to 255"), "segments with less are dropped"),
    row(I, 21, "IP_MINTTL", Datagram, Held, keep(0, Range(0, 255)), "the kernel looks at it for streams only"),
    row(I, 22, "IP_NODEFRAG", Any, Held, FLAG, "for raw sockets, others ENOPROTOOPT; nothing here defragments what they send"),
    row(I, 23, "IP_CHECKSUM", Any, Held, FLAG, "no message comes, as with a device that verifies checksums"),
    row(I, 24, "IP_BIND_ADDRESS_NO_PORT", Any, Honoured, FLAG, "a stream bound to port 0 gets its port when it connects"),
    row(I, 25, "IP_RECVFRAGSIZE", Any, Honoured, FLAG, ""),
    row(I, 26, "IP_RECVERR_RFC4884", Any, Honoured, FLAG, ""),
    row(I, 32, "IP_MULTICAST_IF", Any, Honoured, Code("address, ip_mreq or ip_mreqn of our device"), "no other device is there: EADDRNOTAVAIL"),
    row(I, 33, "IP_MULTICAST_TTL", Any, Honoured, Code("0 to 255, or -1 for 1"), ""),
    row(I, 34, "IP_MULTICAST_LOOP", Any, Honoured, FLAG, ""),
    row(I, 35, "IP_ADD_MEMBERSHIP", Any, Honoured, Code("ip_mreq or ip_mreqn, to set only"), "groups on `lo` are ENODEV; EPROTO on streams, as in the kernel"),
    row(I, 36, "IP_DROP_MEMBERSHIP", Any, Honoured, Code("ip_mreq or ip_mreqn, to set only"), ""),
    row(I, 37, "IP_UNBLOCK_SOURCE", Any, Honoured, Code("ip_mreq_source, to set only"), ""),
    row(I, 38, "IP_BLOCK_SOURCE", Any, Honoured, Code("ip_mreq_source, to set only"), ""),
    row(I, 39, "IP_ADD_SOURCE_MEMBERSHIP", Any, Honoured, Code("ip_mreq_source, to set only"), ""),
    row(I, 40, "IP_DROP_SOURCE_MEMBERSHIP", Any, Honoured, Code("ip_mreq_source, to set only"), ""),
    row(I, 41, "IP_MSFILTER", Any, Honoured, Code("ip_msfilter, at most 10 sources"), ""),
    row(I, 42, "MCAST_JOIN_GROUP", Any, Honoured, Code("group_req, to set only"), ""),
    row(I, 43, "MCAST_BLOCK_SOURCE", Any, Honoured, Code("group_source_req, to set only"), ""),
    row(I, 44, "MCAST_UNBLOCK_SOURCE", Any, Honoured, Code("group_source_req, to set only"), ""),
    row(I, 45, "MCAST_LEAVE_GROUP", Any, Honoured, Code("group_req, to set only"), ""),
    row(I, 46, "MCAST_JOIN_SOURCE_GROUP", Any, Honoured, Code("group_source_req, to set only"), ""),
    row(I, 47, "MCAST_LEAVE_SOURCE_GROUP", Any, Honoured, Code("group_source_req, to set only"), ""),
    row(I, 48, "MCAST_MSFILTER", Any, Honoured, Code("group_filter, at most 10 sources"), ""),
    row(I, 49, "IP_MULTICAST_ALL", Any, Honoured, FLAG, ""),
    row(I, 50, "IP_UNICAST_IF", Any, Honoured, Code("0 or our device's index in network order"), "no other device is there: EADDRNOTAVAIL"),
    row(I, 51, "IP_LOCAL_PORT_RANGE", Any, Honoured, Code("lowest port in the low half, highest in the high one"), "within 32768 to 60999, as in the kernel"),
    row(I, 52, "IP_PROTOCOL", Any, Honoured, READ, "the local port, as in the kernel"),

    row(T, 1, "TCP_NODELAY", Stream, Honoured, FLAG, ""),
    row(T, 2, "TCP_MAXSEG", Stream, Honoured, Code("0, or 88 to 32767"), ""),
    row(T, 3, "TCP_CORK", Stream, Honoured, FLAG, "for 200 ms at most, as in the kernel"),
    row(T, 4, "TCP_KEEPIDLE", Stream, Honoured, Code("1 to 32767 s"), ""),
    row(T, 5, "TCP_KEEPINTVL", Stream, Honoured, Code("1 to 32767 s"), ""),
    row(T, 6, "TCP_KEEPCNT", Stream, Honoured, Code("1 to 127"), ""),
    row(T, 7, "TCP_SYNCNT", Stream, Honoured, Code("1 to 127"), ""),
    row(T, 8, "TCP_LINGER2", Stream, Honoured, Code("seconds up to 120; negative: no FIN_WAIT2, 0: 60"), ""),
    row(T, 9, "TCP_DEFER_ACCEPT", Stream, Honoured, Code("seconds, rounded up to a number of SYN-ACKs"), ""),
    row(T, 10, "TCP_WINDOW_CLAMP", Stream, Honoured, Code("0 before there is a connection, or bytes, at least 1152"), "0 until it is set"),
    row(T, 11, "TCP_INFO", Stream, Honoured, READ, "fields of accurate ECN are 0"),
    row(T, 12, "TCP_QUICKACK", Stream, Honoured, FLAG, "until the traffic decides otherwise; without a connection it is only kept"),
    row(T, 13, "TCP_CONGESTION", Stream, Honoured, Code("reno, cubic or bbr"), "others are ENOENT; bbr needs no privilege"),
    row(T, 14, "TCP_MD5SIG", Stream, Refused, never(NO), "as on a kernel without CONFIG_TCP_MD5SIG"),
    row(T, 16, "TCP_THIN_LINEAR_TIMEOUTS", Stream, Honoured, Code("0 or 1"), ""),
    row(T, 17, "TCP_THIN_DUPACK", Stream, Held, Code("0 or 1"), "the kernel ignores it too, and reads 0"),
    row(T, 18, "TCP_USER_TIMEOUT", Stream, Honoured, Code("milliseconds; 0: none"), ""),
    row(T, 19, "TCP_REPAIR", Stream, Refused, Refuse(0, Errno::EPERM), REPAIR),
    row(T, 20, "TCP_REPAIR_QUEUE", Stream, Refused, Never { get: Errno::EINVAL, set: Errno::EPERM }, REPAIR),
    row(T, 21, "TCP_QUEUE_SEQ", Stream, Refused, never(Errno::EINVAL), REPAIR),
    row(T, 22, "TCP_REPAIR_OPTIONS", Stream, Refused, Never { get: NO, set: Errno::EINVAL }, REPAIR),
    row(T, 23, "TCP_FASTOPEN", Stream, Honoured, Code("connections whose handshake is not over, 0 to 4096; 0: none"), "the kernel serves Fast Open only if net.ipv4.tcp_fastopen has bit 2, which is not the default"),
    row(T, 24, "TCP_TIMESTAMP", Stream, Honoured, Code("to read; setting is EPERM"), "milliseconds"),
    row(T, 25, "TCP_NOTSENT_LOWAT", Stream, Honoured, Code("bytes; 0: no limit"), ""),
    row(T, 26, "TCP_CC_INFO", Stream, Honoured, READ, "struct tcp_bbr_info for bbr; nothing for cubic and reno, which have none"),
    row(T, 27, "TCP_SAVE_SYN", Stream, Honoured, Code("0 or 1"), "2, with the Ethernet header, is EINVAL as before Linux 5.10"),
    row(T, 28, "TCP_SAVED_SYN", Stream, Honoured, READ, "once"),
    row(T, 29, "TCP_REPAIR_WINDOW", Stream, Refused, Never { get: Errno::EINVAL, set: Errno::EPERM }, REPAIR),
    row(T, 30, "TCP_FASTOPEN_CONNECT", Stream, Honoured, Code("0 or 1, before connect"), "cookies are kept by the stack, for as long as the program runs"),
    row(T, 31, "TCP_ULP", Stream, Refused, Code("ENOENT"), "as on a kernel without the module (kTLS)"),
    row(T, 32, "TCP_MD5SIG_EXT", Stream, Refused, never(NO), "as on a kernel without CONFIG_TCP_MD5SIG"),
    row(T, 33, "TCP_FASTOPEN_KEY", Stream, Honoured, Code("16 or 32 bytes"), "nothing until it is set: the stack's own key is used then"),
    row(T, 34, "TCP_FASTOPEN_NO_COOKIE", Stream, Honoured, Code("0 or 1"), ""),
    row(T, 35, "TCP_ZEROCOPY_RECEIVE", Stream, Refused, Never { get: Errno::EINVAL, set: NO }, "a socket of ours cannot be mapped"),
    row(T, 36, "TCP_INQ", Stream, Honoured, FLAG, ""),
    row(T, 37, "TCP_TX_DELAY", Stream, Held, keep(0, Range(0, MAX)), "the kernel too delays only with the fq queueing discipline"),
    row(T, 43, "TCP_IS_MPTCP", Stream, Honoured, Constant(0), ""),
    row(T, 44, "TCP_RTO_MAX_MS", Stream, Honoured, Code("1000 to 120000 ms"), "not rounded to the kernel's ticks"),
    row(T, 45, "TCP_RTO_MIN_US", Stream, Honoured, Code("2000 to 200000 us"), "not rounded to the kernel's ticks"),
    row(T, 46, "TCP_DELACK_MAX_US", Stream, Honoured, Code("2000 to 200000 us"), "not rounded to the kernel's ticks"),

    row(U, 1, "UDP_CORK", Datagram, Honoured, FLAG, ""),
    row(U, 10, "UDPLITE_SEND_CSCOV", Datagram, Honoured, Constant(0), "for UDP-Lite, as in the kernel"),
    row(U, 11, "UDPLITE_RECV_CSCOV", Datagram, Honoured, Constant(0), "for UDP-Lite, as in the kernel"),
    row(U, 100, "UDP_ENCAP", Datagram, Refused, Only(0, NO), "no IPsec and no tunnels, as on a kernel without them"),
    row(U, 101, "UDP_NO_CHECK6_TX", Datagram, Held, keep(0, Flag), V6),
    row(U, 102, "UDP_NO_CHECK6_RX", Datagram, Held, keep(0, Flag), V6),
    row(U, 103, "UDP_SEGMENT", Datagram, Honoured, Code("0 to 65535 bytes"), ""),
    row(U, 104, "UDP_GRO", Datagram, Honoured, FLAG, "datagrams that the device brings as one frame; those that come one by one are not put together"),

    row(I6, 2, "IPV6_2292PKTINFO", Any, Held, keep(0, Flag), V6),
    row(I6, 3, "IPV6_2292HOPOPTS", Any, Held, keep(0, Flag), V6),
    row(I6, 4, "IPV6_2292DSTOPTS", Any, Held, keep(0, Flag), V6),
    row(I6, 5, "IPV6_2292RTHDR", Any, Held, keep(0, Flag), V6),
    row(I6, 8, "IPV6_2292HOPLIMIT", Any, Held, keep(0, Flag), V6),
    row(I6, 11, "IPV6_FLOWINFO", Any, Held, keep(0, Flag), V6),
    row(I6, 16, "IPV6_UNICAST_HOPS", Any, Held, Code("-1 to 255"), V6),
    row(I6, 17, "IPV6_MULTICAST_IF", Any, Refused, Only(0, NO), V6),
    row(I6, 18, "IPV6_MULTICAST_HOPS", Any, Held, Code("-1 to 255"), V6),
    row(I6, 19, "IPV6_MULTICAST_LOOP", Any, Held, keep(1, Range(0, 1)), V6),
    row(I6, 23, "IPV6_MTU_DISCOVER", Any, Held, keep(1, Range(0, 5)), V6),
    row(I6, 24, "IPV6_MTU", Any, Honoured, READ, "of the path to the peer"),
    row(I6, 25, "IPV6_RECVERR", Any, Held, keep(0, Flag), V6),
    row(I6, 26, "IPV6_V6ONLY", Any, Honoured, Code("flag, until the socket is bound"), ""),
    row(I6, 29, "IPV6_MULTICAST_ALL", Any, Held, keep(1, Flag), V6),
    row(I6, 30, "IPV6_ROUTER_ALERT_ISOLATE", Any, Held, keep(0, Flag), V6),
    row(I6, 31, "IPV6_RECVERR_RFC4884", Any, Held, keep(0, Range(0, 1)), V6),
    row(I6, 33, "IPV6_FLOWINFO_SEND", Any, Held, keep(0, Flag), V6),
    row(I6, 49, "IPV6_RECVPKTINFO", Any, Honoured, FLAG, "of v4-mapped traffic"),
    row(I6, 51, "IPV6_RECVHOPLIMIT", Any, Held, keep(0, Flag), V6),
    row(I6, 53, "IPV6_RECVHOPOPTS", Any, Held, keep(0, Flag), V6),
    row(I6, 56, "IPV6_RECVRTHDR", Any, Held, keep(0, Flag), V6),
    row(I6, 58, "IPV6_RECVDSTOPTS", Any, Held, keep(0, Flag), V6),
    row(I6, 60, "IPV6_RECVPATHMTU", Any, Held, keep(0, Flag), V6),
    row(I6, 62, "IPV6_DONTFRAG", Any, Held, keep(0, Flag), V6),
    row(I6, 66, "IPV6_RECVTCLASS", Any, Held, keep(0, Flag), V6),
    row(I6, 67, "IPV6_TCLASS", Any, Held, Code("-1 to 255"), V6),
    row(I6, 70, "IPV6_AUTOFLOWLABEL", Any, Held, keep(1, Flag), V6),
    row(I6, 72, "IPV6_ADDR_PREFERENCES", Any, Refused, never(NO), V6),
    row(I6, 73, "IPV6_MINHOPCOUNT", Any, Held, keep(0, Range(0, 255)), V6),
    row(I6, 74, "IPV6_RECVORIGDSTADDR", Any, Held, keep(0, Flag), V6),
    row(I6, 75, "IPV6_TRANSPARENT", Any, Refused, Only(0, Errno::EPERM), "as IP_TRANSPARENT"),
    row(I6, 76, "IPV6_UNICAST_IF", Any, Refused, Only(0, Errno::EADDRNOTAVAIL), V6),
    row(I6, 77, "IPV6_RECVFRAGSIZE", Any, Held, keep(0, Flag), V6),
    row(I6, 78, "IPV6_FREEBIND", Any, Held, keep(0, Flag), V6),
];
