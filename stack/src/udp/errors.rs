//! The error queue of a socket (IP_RECVERR, ip(7); ip_icmp_error, ip_local_error and ip_recv_error in
//! net/ipv4/ip_sockglue.c).
//!
//! With IP_RECVERR every ICMP error about what the socket sent is kept with what it quotes, and so is a refusal by the stack itself
//! because a datagram is too big for its path. Without the option the queue is given up. Taking one out sets the pending error to what the next ICMP error says, or clears it.
//! The queue is bounded by SO_RCVBUF, each entry charged as a small packet of Linux, or by what it quotes.
//!
//! A TCP socket has one as well, for ICMP errors that end its attempt to connect (tcp_v4_err).

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use crate::error::{Error, Result};
use crate::time::Instant;
use crate::types::{ErrorOrigin, QueuedError, Readiness, SocketId};
use crate::udp::Datagrams;
use crate::wire::icmpv4;
use crate::wire::ipv4;

/// What Linux charges for a small packet: a buffer of 512 bytes and its struct sk_buff.
const TRUESIZE: usize = 768;
const SMALL: usize = 512;

/// What an entry is charged.
fn cost(payload: &[u8]) -> usize {
    TRUESIZE.saturating_add(payload.len().saturating_sub(SMALL))
}

/// An ICMP error as it arrived: the IP header and the message, whose quote is not looked at here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Notice<'a> {
    pub(crate) ip: ipv4::Repr,
    pub(crate) message: &'a [u8],
    pub(crate) at: Instant,
}

impl Notice<'_> {
    /// Byte `n` of the message.
    fn byte(&self, n: usize) -> u8 {
        self.message.get(n).copied().unwrap_or(0)
    }

    /// The packet that it is about, as far as it is quoted.
    pub(crate) fn quote(&self) -> &[u8] {
        self.message.get(icmpv4::HEADER_LEN..).unwrap_or(&[])
    }

    /// ee_info: the MTU, or the pointer of a parameter problem (icmp_unreach).
    fn info(&self, error: Error) -> u32 {
        match self.byte(0) {
            icmpv4::kind::PARAM_PROBLEM => self.byte(4).into(),
            icmpv4::kind::DST_UNREACHABLE if error == Error::MessageTooLong => {
                u16::from_be_bytes([self.byte(6), self.byte(7)]).into()
            }
            _ => 0,
        }
    }

    /// Where extension objects (RFC 4884) begin in the `payload` that is given to the user, and whether they are whole; None: there
    /// are none (ip_icmp_error_rfc4884).
    fn extension(&self, payload: &[u8]) -> Option<(u16, bool)> {
        let stripped = self.message.len().checked_sub(payload.len())?.checked_sub(icmpv4::HEADER_LEN)?;
        let begin = usize::from(self.byte(5)) * 4;
        if begin < 128 {
            return None;
        }
        let at = begin.checked_sub(stripped)?;
        let header = payload.get(at..)?.first_chunk::<4>()?;
        let all = payload.get(at..)?;
        let [version, _, sum, rest] = *header;
        let mut whole = version >> 4 == 2
            && (u16::from_be_bytes([sum, rest]) == 0 || crate::wire::checksum::checksum(all) == 0);
        let mut left = all.get(4..).unwrap_or(&[]);
        while whole && !left.is_empty() {
            let len = left.first_chunk::<2>().map_or(0, |b| usize::from(u16::from_be_bytes(*b)));
            whole = len >= 4 && left.len() >= 4 && len <= left.len();
            left = left.get(len..).unwrap_or(&[]);
        }
        Some((u16::try_from(at).ok()?, whole))
    }
}

/// What an ICMP error means to the socket that sent the quoted packet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'a> {
    pub(crate) error: Error,
    /// Told on connected sockets without IP_RECVERR as well.
    pub(crate) hard: bool,
    /// Where the packet went; the port is 0 where the protocol has none.
    pub(crate) to: SocketAddrV4,
    /// What is quoted of it behind the header that the user did not write.
    pub(crate) payload: &'a [u8],
    pub(crate) notice: &'a Notice<'a>,
}

impl Report<'_> {
    fn queued(&self) -> QueuedError {
        let ip = &self.notice.ip;
        QueuedError {
            error: self.error,
            origin: ErrorOrigin::Icmp,
            kind: self.notice.byte(0),
            code: self.notice.byte(1),
            info: self.notice.info(self.error),
            extension: self.notice.extension(self.payload),
            to: SocketAddr::V4(self.to),
            offender: ip.src.into(),
            len: self.payload.len(),
            local: ip.dst.into(),
            ttl: ip.ttl,
            tos: ip.tos,
            at: self.notice.at,
        }
    }
}

/// Errors not yet read.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    queue: VecDeque<(QueuedError, Vec<u8>)>,
    memory: usize,
}

impl Errors {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Keeps an ICMP error, if there is room under `limit` bytes.
    pub(crate) fn add(&mut self, report: &Report<'_>, limit: usize) {
        self.push(report.queued(), report.payload, limit);
    }

    /// Takes the oldest out, its payload copied into `bufs` as far as they go; and what the next one says.
    pub(crate) fn take(&mut self, bufs: &mut [&mut [u8]]) -> Option<(QueuedError, Option<QueuedError>)> {
        let (error, payload) = self.queue.pop_front()?;
        self.memory = self.memory.saturating_sub(cost(&payload));
        let mut rest = payload.as_slice();
        for buf in bufs.iter_mut() {
            let (now, later) = rest.split_at(rest.len().min(buf.len()));
            buf.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            rest = later;
        }
        Some((error, self.queue.front().map(|(next, _)| *next)))
    }

    fn push(&mut self, error: QueuedError, payload: &[u8], limit: usize) {
        let memory = self.memory.saturating_add(cost(payload));
        if memory < limit {
            self.memory = memory;
            self.queue.push_back((error, payload.to_vec()));
        }
    }
}

impl Datagrams {
    /// Reports an ICMP error at one socket, as __udp4_lib_err, ping_err and raw_err do.
    pub(crate) fn report(&mut self, index: u32, report: &Report<'_>) {
        let Some(socket) = self.at_mut(index) else { return };
        if socket.options.recverr {
            let limit = socket.options.rcvbuf;
            socket.errors.get_or_insert_default().add(report, limit);
        } else if !report.hard || socket.remote.is_none() {
            return;
        }
        socket.set_error(report.error);
        self.raise(index, Readiness::ERR);
    }

    /// A datagram for `to` was refused since it does not fit the path, `mtu` bytes (ip_local_error).
    pub(crate) fn refuse(&mut self, id: SocketId, to: Ipv4Addr, mtu: u16, at: Instant) {
        let Ok(socket) = self.get_mut(id) else { return };
        if !socket.options.recverr {
            return;
        }
        // The port is the connected peer's.
        let port = socket.remote.map_or(0, |remote| remote.port());
        let queued = QueuedError {
            error: Error::MessageTooLong,
            origin: ErrorOrigin::Local,
            kind: 0,
            code: 0,
            info: mtu.into(),
            extension: None,
            to: SocketAddrV4::new(to, port).into(),
            offender: Ipv4Addr::UNSPECIFIED.into(),
            len: 0,
            local: Ipv4Addr::UNSPECIFIED.into(),
            ttl: 0,
            tos: 0,
            at,
        };
        let limit = socket.options.rcvbuf;
        socket.errors.get_or_insert_default().push(queued, &[], limit);
        self.raise(id.index, Readiness::ERR);
    }

    /// Takes the oldest error out, its payload copied into `bufs` as far as they go (ip_recv_error, sock_dequeue_err_skb).
    ///
    /// # Errors
    /// [`Error::WouldBlock`] when there is none.
    pub(crate) fn recv_error(&mut self, id: SocketId, bufs: &mut [&mut [u8]]) -> Result<QueuedError> {
        let socket = self.get_mut(id)?;
        let errors = socket.errors.as_mut().ok_or(Error::WouldBlock)?;
        let (error, next) = errors.take(bufs).ok_or(Error::WouldBlock)?;
        let next = next.map(|next| (next.error, next.origin));
        if next.is_none() {
            socket.errors = None;
        }
        match next {
            Some((next, ErrorOrigin::Icmp)) => socket.set_error(next),
            _ if error.origin == ErrorOrigin::Icmp => socket.clear_error(),
            _ => {}
        }
        if next.is_some() {
            self.raise(id.index, Readiness::ERR);
        }
        Ok(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(message: &[u8]) -> Notice<'_> {
        let ip = ipv4::Repr {
            src: Ipv4Addr::new(10, 0, 0, 9),
            dst: Ipv4Addr::new(10, 0, 0, 1),
            protocol: ipv4::PROTO_ICMP,
            ttl: 60,
            tos: 0xc0,
            ident: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            payload_len: message.len(),
        };
        Notice { ip, message, at: Instant::ZERO }
    }

    /// A time-exceeded message with 128 bytes of quote and extension objects behind them.
    fn extended(objects: &[u8]) -> Vec<u8> {
        let mut message = vec![11, 0, 0, 0, 0, 32, 0, 0];
        message.extend([0; 128]);
        message.extend(objects);
        message
    }

    #[test]
    fn extension_objects_are_found_behind_the_quote() {
        // 28 bytes of headers are taken off for the user: version 2, no checksum, one object of 8 bytes.
        let objects = [0x20, 0, 0, 0, 0, 8, 1, 1, 1, 2, 3, 4];
        let message = extended(&objects);
        let at = |message: &[u8]| notice(message).extension(&message[36..]);
        assert_eq!(at(&message), Some((100, true)));
        // An object that is longer than what is there, another version, a checksum that is wrong.
        for (n, byte) in [(5, 9), (0, 0x10), (3, 1)] {
            let mut bad = objects;
            bad[n] = byte;
            assert_eq!(at(&extended(&bad)), Some((100, false)), "{n}");
        }
        assert_eq!(at(&extended(&[])), None);
        let mut short = extended(&objects);
        short[5] = 31;
        assert_eq!(at(&short), None);
    }

    #[test]
    fn reading_an_error_uncovers_the_next() {
        let mut set =
            Datagrams::new(crate::types::Kind::Udp, crate::iface::keys::Keyed::derive(&[0; 32], "t"));
        let id = set.open().unwrap();
        set.set_options(id, crate::types::UdpOptions { recverr: true, ..Default::default() }).unwrap();
        let message = [3, 3, 0, 0, 0, 0, 0, 0, 1, 2, 3];
        let to = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 7);
        let notice = notice(&message);
        for error in [Error::ConnectionRefused, Error::HostUnreachable] {
            let report = Report { error, hard: true, to, payload: &message[8..], notice: &notice };
            set.report(id.index, &report);
        }
        set.refuse(id, *to.ip(), 1500, Instant::ZERO);
        assert_eq!(set.take_error(id), Some(Error::HostUnreachable));
        assert!(set.readiness(id).contains(Readiness::ERR), "three are to be read");
        let mut room = [0; 2];
        let first = set.recv_error(id, &mut [&mut room]).unwrap();
        assert_eq!(
            (first.error, first.kind, first.code, first.len, room),
            (Error::ConnectionRefused, 3, 3, 3, [1, 2])
        );
        assert_eq!(set.take_error(id), Some(Error::HostUnreachable));
        set.recv_error(id, &mut []).unwrap();
        assert_eq!(set.take_error(id), None);
        let last = set.recv_error(id, &mut []).unwrap();
        assert_eq!((last.origin, last.info, last.len), (ErrorOrigin::Local, 1500, 0));
        assert_eq!(set.recv_error(id, &mut []), Err(Error::WouldBlock));
        assert!(!set.readiness(id).contains(Readiness::ERR));
    }

    #[test]
    fn the_queue_is_bounded() {
        let mut errors = Errors::default();
        let mut set =
            Datagrams::new(crate::types::Kind::Udp, crate::iface::keys::Keyed::derive(&[0; 32], "t"));
        let id = set.open().unwrap();
        set.set_options(id, crate::types::UdpOptions { recverr: true, ..Default::default() }).unwrap();
        set.refuse(id, Ipv4Addr::LOCALHOST, 1, Instant::ZERO);
        let error = set.recv_error(id, &mut []).unwrap();
        (0..1000).for_each(|_| errors.push(error, &[], 10 * TRUESIZE));
        assert_eq!(errors.queue.len(), 9);
        // What is quoted counts: a forged message may quote 64 kB.
        (0..1000).for_each(|_| errors.push(error, &[0; 60_000], 212_992));
        assert_eq!(errors.queue.iter().filter(|(_, payload)| payload.len() == 60_000).count(), 3);
        while errors.take(&mut []).is_some() {}
        (0..10).for_each(|_| errors.push(error, &[], 10 * TRUESIZE));
        assert_eq!(errors.queue.len(), 9);
    }
}
