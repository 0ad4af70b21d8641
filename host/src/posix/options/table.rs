//! Options without work to do, in two tables: those whose meaning holds anyway, and those not served yet.

use libc::c_int;
use matnet_stack::Kind;

use crate::errno::Errno;

/// Which sockets a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Any,
    Stream,
    Datagram,
}

/// What values an option takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Any int; what is not 0 is 1.
    Flag,
    /// EINVAL outside.
    Range(i32, i32),
}

impl Form {
    /// The value as it will be given back.
    pub(super) fn check(self, value: i32) -> Result<i32, Errno> {
        match self {
            Form::Flag => Ok(i32::from(value != 0)),
            Form::Range(least, most) if (least..=most).contains(&value) => Ok(value),
            Form::Range(..) => Err(Errno::EINVAL),
        }
    }
}

/// An option that is accepted and given back because what it asks for is so already.
pub(super) struct Held {
    level: c_int,
    name: c_int,
    on: On,
    /// What a fresh socket reports.
    pub(super) default: i32,
    /// What may be set.
    pub(super) form: Form,
    /// Why accepting it is honest.
    pub(super) why: &'static str,
}

impl Held {
    /// Level and name.
    #[cfg(test)]
    pub(super) fn key(&self) -> (c_int, c_int) {
        (self.level, self.name)
    }
}

/// A known option that is not served yet: it has one value, and setting another is ENOPROTOOPT.
pub(super) struct Fixed {
    level: c_int,
    name: c_int,
    /// The value it has.
    pub(super) value: i32,
}

impl Fixed {
    /// Level and name.
    #[cfg(test)]
    pub(super) fn key(&self) -> (c_int, c_int) {
        (self.level, self.name)
    }
}

const SOL_SOCKET: c_int = libc::SOL_SOCKET;
const TCP: c_int = libc::IPPROTO_TCP;
const UDP: c_int = libc::IPPROTO_UDP;
const IP: c_int = libc::IPPROTO_IP;
const IPV6: c_int = libc::IPPROTO_IPV6;

const fn held(level: c_int, name: c_int, on: On, default: i32, form: Form, why: &'static str) -> Held {
    Held { level, name, on, default, form, why }
}

const V6_ONLY: &str = "acts on IPv6 packets, and these sockets carry IPv4";

/// Accepted: the meaning holds.
#[rustfmt::skip]
pub(super) const HELD: &[Held] = &[
    held(SOL_SOCKET, libc::SO_PRIORITY, On::Any, 0, Form::Range(i32::MIN, i32::MAX),
        "orders packets of one host's queues; here each leaves as soon as it is made"),
    held(SOL_SOCKET, libc::SO_KEEPALIVE, On::Datagram, 0, Form::Flag, "no connection to keep; the kernel ignores it too"),
    held(SOL_SOCKET, libc::SO_BROADCAST, On::Stream, 0, Form::Flag, "a stream cannot broadcast; the kernel ignores it too"),
    held(SOL_SOCKET, libc::SO_OOBINLINE, On::Any, 0, Form::Flag, "urgent bytes always arrive in line (RFC 6093)"),
    held(SOL_SOCKET, libc::SO_BSDCOMPAT, On::Any, 0, Form::Range(0, 0), "without effect in the kernel since 2.4"),
    held(SOL_SOCKET, libc::SO_RCVLOWAT, On::Datagram, 1, Form::Range(0, i32::MAX), "a datagram is always whole"),
    held(TCP, libc::TCP_DEFER_ACCEPT, On::Stream, 0, Form::Range(0, i32::MAX),
        "a hint: the kernel too wakes accept without data when the time is over"),
    held(IP, libc::IP_BIND_ADDRESS_NO_PORT, On::Any, 0, Form::Flag,
        "puts off the choice of a port from bind to connect; the address is bound either way"),
    held(IPV6, libc::IPV6_UNICAST_HOPS, On::Any, 64, Form::Range(-1, 255), V6_ONLY),
    held(IPV6, libc::IPV6_MULTICAST_HOPS, On::Any, 1, Form::Range(-1, 255), V6_ONLY),
    held(IPV6, libc::IPV6_MULTICAST_LOOP, On::Any, 1, Form::Range(0, 1), V6_ONLY),
    held(IPV6, libc::IPV6_MTU_DISCOVER, On::Any, 1, Form::Range(0, 5), V6_ONLY),
    held(IPV6, libc::IPV6_RECVERR, On::Any, 0, Form::Flag, V6_ONLY),
    held(IPV6, libc::IPV6_RECVHOPLIMIT, On::Any, 0, Form::Flag, V6_ONLY),
    held(IPV6, libc::IPV6_RECVTCLASS, On::Any, 0, Form::Flag, V6_ONLY),
    held(IPV6, libc::IPV6_TCLASS, On::Any, 0, Form::Range(-1, 255), V6_ONLY),
];

const fn fixed(level: c_int, name: c_int, value: i32) -> Fixed {
    Fixed { level, name, value }
}

// Numbers of <asm-generic/socket.h>, <linux/tcp.h>, <linux/in.h> and <linux/udp.h> that libc does not name everywhere.
const SO_TIMESTAMP_NEW: c_int = 63;
const SO_TIMESTAMPNS_NEW: c_int = 64;
const SO_TIMESTAMPING_NEW: c_int = 65;
const SO_PREFER_BUSY_POLL: c_int = 69;
const TCP_TX_DELAY: c_int = 37;
const TCP_INQ: c_int = 36;
const TCP_FASTOPEN_NO_COOKIE: c_int = 34;
const IP_RECVERR_RFC4884: c_int = 26;
const IP_LOCAL_PORT_RANGE: c_int = 51;
const UDP_NO_CHECK6_TX: c_int = 101;
const UDP_NO_CHECK6_RX: c_int = 102;

/// Not served: the value that holds, and no other.
pub(super) const FIXED: &[Fixed] = &[
    fixed(SOL_SOCKET, libc::SO_DEBUG, 0),
    fixed(SOL_SOCKET, libc::SO_DONTROUTE, 0),
    fixed(SOL_SOCKET, libc::SO_NO_CHECK, 0),
    fixed(SOL_SOCKET, libc::SO_TIMESTAMP, 0),
    fixed(SOL_SOCKET, libc::SO_TIMESTAMPNS, 0),
    fixed(SOL_SOCKET, libc::SO_TIMESTAMPING, 0),
    fixed(SOL_SOCKET, SO_TIMESTAMP_NEW, 0),
    fixed(SOL_SOCKET, SO_TIMESTAMPNS_NEW, 0),
    fixed(SOL_SOCKET, SO_TIMESTAMPING_NEW, 0),
    fixed(SOL_SOCKET, libc::SO_MARK, 0),
    fixed(SOL_SOCKET, libc::SO_RXQ_OVFL, 0),
    fixed(SOL_SOCKET, libc::SO_PEEK_OFF, -1),
    fixed(SOL_SOCKET, libc::SO_BUSY_POLL, 0),
    fixed(SOL_SOCKET, libc::SO_MAX_PACING_RATE, -1),
    fixed(SOL_SOCKET, libc::SO_INCOMING_CPU, -1),
    fixed(SOL_SOCKET, libc::SO_INCOMING_NAPI_ID, 0),
    fixed(SOL_SOCKET, libc::SO_ZEROCOPY, 0),
    fixed(SOL_SOCKET, libc::SO_BINDTOIFINDEX, 0),
    fixed(SOL_SOCKET, SO_PREFER_BUSY_POLL, 0),
    fixed(TCP, libc::TCP_LINGER2, 60),
    fixed(TCP, libc::TCP_WINDOW_CLAMP, 0),
    fixed(TCP, libc::TCP_THIN_LINEAR_TIMEOUTS, 0),
    fixed(TCP, libc::TCP_THIN_DUPACK, 0),
    fixed(TCP, libc::TCP_REPAIR, 0),
    fixed(TCP, libc::TCP_FASTOPEN, 0),
    fixed(TCP, libc::TCP_NOTSENT_LOWAT, 0),
    fixed(TCP, libc::TCP_SAVE_SYN, 0),
    fixed(TCP, libc::TCP_FASTOPEN_CONNECT, 0),
    fixed(TCP, TCP_FASTOPEN_NO_COOKIE, 0),
    fixed(TCP, TCP_INQ, 0),
    fixed(TCP, TCP_TX_DELAY, 0),
    fixed(IP, libc::IP_HDRINCL, 0),
    fixed(IP, libc::IP_ROUTER_ALERT, 0),
    fixed(IP, libc::IP_RECVOPTS, 0),
    fixed(IP, libc::IP_RETOPTS, 0),
    fixed(IP, libc::IP_PKTINFO, 0),
    fixed(IP, libc::IP_RECVERR, 0),
    fixed(IP, libc::IP_RECVTTL, 0),
    fixed(IP, libc::IP_RECVTOS, 0),
    fixed(IP, libc::IP_FREEBIND, 0),
    fixed(IP, libc::IP_PASSSEC, 0),
    fixed(IP, libc::IP_TRANSPARENT, 0),
    fixed(IP, libc::IP_RECVORIGDSTADDR, 0),
    fixed(IP, libc::IP_MINTTL, 0),
    fixed(IP, libc::IP_NODEFRAG, 0),
    fixed(IP, libc::IP_CHECKSUM, 0),
    fixed(IP, libc::IP_RECVFRAGSIZE, 0),
    fixed(IP, IP_RECVERR_RFC4884, 0),
    fixed(IP, libc::IP_MULTICAST_TTL, 1),
    fixed(IP, libc::IP_MULTICAST_LOOP, 1),
    fixed(IP, libc::IP_MULTICAST_ALL, 1),
    fixed(IP, libc::IP_UNICAST_IF, 0),
    fixed(IP, IP_LOCAL_PORT_RANGE, 0),
    fixed(IPV6, libc::IPV6_2292PKTINFO, 0),
    fixed(IPV6, libc::IPV6_2292HOPLIMIT, 0),
    fixed(IPV6, libc::IPV6_RECVPKTINFO, 0),
    fixed(IPV6, libc::IPV6_MULTICAST_IF, 0),
    fixed(IPV6, libc::IPV6_TRANSPARENT, 0),
    fixed(IPV6, libc::IPV6_FREEBIND, 0),
    fixed(UDP, libc::UDP_ENCAP, 0),
    fixed(UDP, UDP_NO_CHECK6_TX, 0),
    fixed(UDP, UDP_NO_CHECK6_RX, 0),
];

/// The row of HELD for an option of a socket of `kind`.
pub(super) fn held_row(level: c_int, name: c_int, kind: Kind) -> Option<&'static Held> {
    let here = if kind == Kind::Tcp { On::Stream } else { On::Datagram };
    HELD.iter().find(|h| (h.level, h.name) == (level, name) && (h.on == On::Any || h.on == here))
}

/// The row of FIXED.
pub(super) fn fixed_row(level: c_int, name: c_int) -> Option<&'static Fixed> {
    FIXED.iter().find(|f| (f.level, f.name) == (level, name))
}
