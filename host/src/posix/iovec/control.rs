//! Control messages that a receive gives: what came with the bytes, as the program's options ask for it (cmsg(3), ip(7), socket(7)).
//!
//! The receive leaves an [`Extra`] behind only if an option wants something of it; here it becomes control messages in the order and of
//! the sizes of the kernel: sock_recv_timestamp, sock_recv_drops, UDP_GRO, then ip_cmsg_recv_offset. Room is dealt with as put_cmsg
//! does: a message that does not fit is cut, MSG_CTRUNC says so, and one for which there is not even room for the head is left out.
//!
//! An AF_INET6 socket gets the IPv4 messages for v4-mapped traffic, and of its own only IPV6_PKTINFO (ip6_datagram_recv_common_ctl).
//!
//! Limits: arrival times have the resolution of the stack's clock, a microsecond. Packets' IP options are not kept, so IP_RECVOPTS and
//! IP_RETOPTS have nothing to tell, as for a packet without any; IP_CHECKSUM neither, as with a device that verifies checksums.

use std::net::{IpAddr, Ipv4Addr};

use libc::{c_int, msghdr};
use matnet_stack::{DatagramMeta, ErrorOrigin, Instant, Kind, QueuedError};

use super::messages::CMSG_HEADER;
use crate::errno::Errno;
use crate::posix::addr::SockAddr;
use crate::posix::interfaces;
use crate::runtime::{probe, sys};

/// What a socket's options ask to be told: the bits of `File::ancillary`.
pub(in crate::posix) mod want {
    pub(in crate::posix) const PKTINFO: u32 = 1;
    pub(in crate::posix) const TTL: u32 = 1 << 1;
    pub(in crate::posix) const TOS: u32 = 1 << 2;
    pub(in crate::posix) const OPTIONS: u32 = 1 << 3;
    pub(in crate::posix) const RETURN_OPTIONS: u32 = 1 << 4;
    pub(in crate::posix) const DESTINATION: u32 = 1 << 5;
    pub(in crate::posix) const CHECKSUM: u32 = 1 << 6;
    pub(in crate::posix) const FRAGMENT: u32 = 1 << 7;
    /// IPV6_RECVPKTINFO
    pub(in crate::posix) const PKTINFO6: u32 = 1 << 8;
    pub(in crate::posix) const DROPS: u32 = 1 << 9;
    /// SO_TIMESTAMP and SO_TIMESTAMPNS, the second if NANOS is set too.
    pub(in crate::posix) const TIME: u32 = 1 << 10;
    pub(in crate::posix) const NANOS: u32 = 1 << 11;
    /// The _NEW numbers.
    pub(in crate::posix) const NEW: u32 = 1 << 12;
    /// SO_TIMESTAMPING with both bits that software receive times need.
    pub(in crate::posix) const STAMPS: u32 = 1 << 13;
    /// TCP_INQ
    pub(in crate::posix) const QUEUED: u32 = 1 << 14;
    /// IP_RECVERR_RFC4884
    pub(in crate::posix) const EXTENSIONS: u32 = 1 << 15;
}

const SO_TIMESTAMP_NEW: c_int = 63;
const SO_TIMESTAMPNS_NEW: c_int = 64;
const SO_TIMESTAMPING_NEW: c_int = 65;
/// TCP_CM_INQ
const TCP_INQ: c_int = 36;
/// <linux/errqueue.h>
const SO_EE_ORIGIN_LOCAL: u8 = 1;
const SO_EE_ORIGIN_ICMP: u8 = 2;
const SO_EE_RFC4884_FLAG_INVALID: u8 = 1;

/// What came beside the bytes.
#[derive(Clone, Copy, Debug)]
pub(in crate::posix) enum Extra {
    /// A datagram of a socket of this kind and family.
    Datagram { wants: u32, kind: Kind, meta: DatagramMeta },
    /// An entry of the error queue.
    Error { wants: u32, domain: c_int, kind: Kind, error: QueuedError },
    /// Bytes of a stream: how many more there are, and when the last ones arrived.
    Stream { wants: u32, queued: usize, at: Instant },
    /// Control messages as the kernel made them, for a datagram that a kernel socket received.
    Kernel { bytes: [u8; 256], len: usize },
}

/// Writes control messages into the room of a header, as put_cmsg.
struct Writer {
    at: *mut u8,
    left: usize,
    cut: bool,
}

impl Writer {
    fn put(&mut self, level: c_int, ty: c_int, data: &[u8]) {
        if self.at.is_null() || self.left < CMSG_HEADER {
            self.cut = true;
            return;
        }
        let whole = CMSG_HEADER.saturating_add(data.len());
        self.cut |= self.left < whole;
        let len = whole.min(self.left);
        let mut message = [0u8; 128];
        let header = len.to_ne_bytes().into_iter().chain(level.to_ne_bytes()).chain(ty.to_ne_bytes());
        let made = message.iter_mut().zip(header.chain(data.iter().copied())).map(|(to, b)| *to = b).count();
        let message = message.get(..made.min(len)).unwrap_or(&[]);
        if probe::write_bytes(self.at, message).is_err() {
            // The message is not there and nothing else says so, as in the kernel.
            return;
        }
        let step = whole.next_multiple_of(8).min(self.left);
        self.at = self.at.wrapping_add(step);
        self.left -= step;
    }

    fn int(&mut self, level: c_int, ty: c_int, value: i32) {
        self.put(level, ty, &value.to_ne_bytes());
    }

    /// sock_recv_timestamp. `at`: when it arrived, by the monotonic clock.
    fn times(&mut self, wants: u32, at: Instant) {
        if wants & (want::TIME | want::STAMPS) == 0 {
            return;
        }
        let wall = sys::wall_clock().saturating_sub(sys::now().since(at));
        let seconds = (wall.as_secs() as i64).to_ne_bytes();
        let mut stamp = [0u8; 48];
        let mut time = |part: i64, room: usize| {
            stamp.iter_mut().zip(seconds.into_iter().chain(part.to_ne_bytes())).for_each(|(to, b)| *to = b);
            stamp.get(..room).unwrap_or(&[]).to_vec()
        };
        let new = wants & want::NEW != 0;
        if wants & want::TIME != 0 {
            let (ty, part) = match (wants & want::NANOS != 0, new) {
                (false, false) => (libc::SO_TIMESTAMP, i64::from(wall.subsec_micros())),
                (false, true) => (SO_TIMESTAMP_NEW, i64::from(wall.subsec_micros())),
                (true, false) => (libc::SO_TIMESTAMPNS, i64::from(wall.subsec_nanos())),
                (true, true) => (SO_TIMESTAMPNS_NEW, i64::from(wall.subsec_nanos())),
            };
            let bytes = time(part, 16);
            self.put(libc::SOL_SOCKET, ty, &bytes);
        }
        if wants & want::STAMPS != 0 {
            // struct scm_timestamping: software, an old one, hardware.
            let bytes = time(wall.subsec_nanos().into(), 48);
            self.put(libc::SOL_SOCKET, if new { SO_TIMESTAMPING_NEW } else { libc::SO_TIMESTAMPING }, &bytes);
        }
    }

    /// ip6_datagram_recv_common_ctl: struct in6_pktinfo with a v4-mapped address.
    fn packet_v6(&mut self, wants: u32, to: IpAddr) {
        if wants & want::PKTINFO6 == 0 {
            return;
        }
        let IpAddr::V4(to) = to else { return };
        let mut info = [0u8; 20];
        let index = interfaces::own_index().to_ne_bytes();
        info.iter_mut().zip(to.to_ipv6_mapped().octets().into_iter().chain(index)).for_each(|(i, b)| *i = b);
        self.put(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info);
    }

    /// ip_cmsg_recv_offset.
    fn packet(&mut self, wants: u32, kind: Kind, packet: &Packet) {
        const IP: c_int = libc::IPPROTO_IP;
        let IpAddr::V4(to) = packet.to else { return };
        if wants & want::PKTINFO != 0 {
            // The address that an answer would come from; ping sockets do not look for it (ipv4_pktinfo_prepare).
            let from = if kind == Kind::Ping { Ipv4Addr::UNSPECIFIED } else { packet.own };
            let mut info = [0u8; 12];
            let index = interfaces::own_index().to_ne_bytes();
            let parts = index.into_iter().chain(from.octets()).chain(to.octets());
            info.iter_mut().zip(parts).for_each(|(i, b)| *i = b);
            self.put(IP, libc::IP_PKTINFO, &info);
        }
        if wants & want::TTL != 0 {
            self.int(IP, libc::IP_TTL, packet.ttl.into());
        }
        if wants & want::TOS != 0 {
            self.put(IP, libc::IP_TOS, &[packet.tos]);
        }
        if wants & want::DESTINATION != 0 {
            let sockaddr = SockAddr::encode(libc::AF_INET, (to, packet.to_port).into());
            self.put(IP, libc::IP_ORIGDSTADDR, sockaddr.as_bytes());
        }
        if wants & want::FRAGMENT != 0 && packet.largest_fragment != 0 {
            self.int(IP, libc::IP_RECVFRAGSIZE, packet.largest_fragment.into());
        }
    }
}

/// The IP side of what arrived.
struct Packet {
    to: IpAddr,
    to_port: u16,
    /// Our address.
    own: Ipv4Addr,
    ttl: u8,
    tos: u8,
    largest_fragment: u16,
}

/// Writes what `extra` has into the header's room for control messages: how much of it is used, and msg_flags.
pub(super) fn write(m: &msghdr, extra: &Extra) -> Result<(usize, c_int), Errno> {
    let mut w = Writer { at: m.msg_control.cast(), left: m.msg_controllen, cut: false };
    match extra {
        Extra::Datagram { wants, kind, meta } => {
            w.times(*wants, meta.at);
            // Ping sockets do not tell of drops (ping_recvmsg).
            if wants & want::DROPS != 0 && meta.drops != 0 && *kind != Kind::Ping {
                w.put(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, &meta.drops.to_ne_bytes());
            }
            if meta.gso_size != 0 {
                w.int(libc::SOL_UDP, libc::UDP_GRO, meta.gso_size.into());
            }
            w.packet_v6(*wants, meta.to);
            let packet = Packet {
                to: meta.to,
                to_port: meta.to_port,
                own: own_address(meta.to),
                ttl: meta.ttl,
                tos: meta.tos,
                largest_fragment: meta.largest_fragment,
            };
            w.packet(*wants, *kind, &packet);
        }
        Extra::Error { wants, domain, kind, error } => queued_error(&mut w, *wants, *domain, *kind, error),
        Extra::Stream { wants, queued, at } => {
            w.times(*wants, *at);
            if wants & want::QUEUED != 0 {
                w.int(libc::IPPROTO_TCP, TCP_INQ, i32::try_from(*queued).unwrap_or(i32::MAX));
            }
        }
        Extra::Kernel { bytes, len } => {
            let bytes = bytes.get(..*len).unwrap_or(&[]);
            super::messages::each_control(bytes, |level, ty, data| {
                w.put(level, ty, data);
                Ok(())
            })?;
        }
    }
    Ok((m.msg_controllen.saturating_sub(w.left), if w.cut { libc::MSG_CTRUNC } else { 0 }))
}

/// fib_compute_spec_dst: what came to us alone came to our address; for the rest the device's own.
fn own_address(to: IpAddr) -> Ipv4Addr {
    match to {
        IpAddr::V4(to) if !to.is_broadcast() && !to.is_multicast() => {
            let own = crate::runtime::settings().addr;
            if own.broadcast() == Some(to) { own.addr } else { to }
        }
        _ => crate::runtime::settings().addr.addr,
    }
}

/// ip_recv_error and ipv6_recv_error: struct sock_extended_err and the offender's address, after the messages about the packet that
/// brought the error.
fn queued_error(w: &mut Writer, wants: u32, domain: c_int, kind: Kind, error: &QueuedError) {
    let v6 = domain == libc::AF_INET6;
    let icmp = error.origin == ErrorOrigin::Icmp;
    w.times(wants, error.at);
    let mut bytes = [0u8; 16 + 28];
    let mut put = |at: usize, from: &[u8]| {
        bytes.iter_mut().skip(at).zip(from).for_each(|(to, b)| *to = *b);
    };
    put(0, &Errno::from(error.error).0.to_ne_bytes());
    put(4, &[if icmp { SO_EE_ORIGIN_ICMP } else { SO_EE_ORIGIN_LOCAL }, error.kind, error.code]);
    put(8, &error.info.to_ne_bytes());
    if let Some((offset, valid)) = error.extension.filter(|_| wants & want::EXTENSIONS != 0) {
        put(12, &offset.to_ne_bytes());
        put(14, &[if valid { 0 } else { SO_EE_RFC4884_FLAG_INVALID }]);
    }
    if icmp {
        put(16, SockAddr::encode(domain, (error.offender, 0).into()).as_bytes());
        if v6 {
            w.packet_v6(wants, error.local);
        }
        let packet = Packet {
            to: error.local,
            to_port: 0,
            // Nobody has looked for it (ipv4_pktinfo_prepare).
            own: Ipv4Addr::UNSPECIFIED,
            ttl: error.ttl,
            tos: error.tos,
            largest_fragment: 0,
        };
        // The transport header of these is the quote's, and no port of ours.
        w.packet(wants & !want::DESTINATION, kind, &packet);
    }
    let (level, ty, len) = if v6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVERR, bytes.len())
    } else {
        (libc::IPPROTO_IP, libc::IP_RECVERR, 32)
    };
    w.put(level, ty, bytes.get(..len).unwrap_or(&bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_dealt_with_as_put_cmsg_does() {
        // Room, what is used of it, MSG_CTRUNC: for an int and then a byte.
        let table = [
            (0, 0, true),
            (15, 0, true),
            (16, 16, true),
            (19, 19, true),
            (20, 20, true),
            (24, 24, true),
            (40, 40, true),
            (41, 41, false),
            (48, 48, false),
            (64, 48, false),
        ];
        for (room, used, cut) in table {
            let mut bytes = [0xffu8; 64];
            let mut w = Writer { at: bytes.as_mut_ptr(), left: room, cut: false };
            w.int(0, 2, 7);
            w.put(0, 1, &[9]);
            assert_eq!((room - w.left, w.cut), (used, cut), "{room}");
            assert!(bytes[room..].iter().all(|b| *b == 0xff));
        }
    }
}
