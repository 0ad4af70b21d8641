//! ICMP (RFC 792, RFC 1122 section 3.2.2): echo, errors received, errors sent.
//!
//! A received error quotes the packet it is about. The quote is matched to a socket by its addresses and ports, and the
//! socket is told what Linux's `icmp_err_convert` says: each error is *hard* or *soft*. UDP reports hard errors on connected
//! sockets and everything on sockets with IP_RECVERR; TCP decides by itself, after checking that the quoted
//! sequence number is in flight (RFC 5927). A path MTU is believed when the quote matches a socket.
//!
//! We send errors for closed UDP ports, unknown protocols and reassembly that ran out of time, never about what RFC 1122
//! section 3.2.2 excludes, and through two token buckets as Linux does: 1000 a second in all (burst 50), and one a
//! second for each destination (burst 6). Errors to ourselves are not limited.
//!
//! Limits: redirects are ignored (they are how one steals a host's traffic), source quench too (RFC 6633),
//! timestamp requests get no answer.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::buf::Buf;
use crate::counters::Counters;
use crate::error::Error;
use crate::iface::egress::{Df, Layer4, OutPacket};
use crate::iface::ingress::{Destination, Rx};
use crate::iface::keys::Keyed;
use crate::iface::pmtu::PathMtus;
use crate::iface::{Iface, Layers};
use crate::time::{Duration, Instant};
use crate::udp::errors::{Notice, Report};
use crate::wire::icmpv4::{Quoted, Repr, kind, parse_quoted, unreachable};
use crate::wire::{WireError, ipv4};

/// What an ICMP error means to a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IcmpError {
    /// ENETUNREACH
    NetUnreachable,
    /// EHOSTUNREACH
    HostUnreachable,
    /// ENOPROTOOPT
    ProtocolUnreachable,
    /// ECONNREFUSED
    PortUnreachable,
    /// EMSGSIZE: the largest packet that passes, bytes.
    PathMtu(u16),
    /// EOPNOTSUPP
    SourceRouteFailed,
    /// EHOSTUNREACH: a filter on the way.
    AdminProhibited,
    /// EHOSTUNREACH: out of hops, or of time in reassembly.
    TimeExceeded,
    /// EPROTO
    ParameterProblem,
    /// EHOSTDOWN
    HostDown,
    /// ENONET
    Isolated,
}

impl IcmpError {
    /// The error that a socket reports.
    pub(crate) fn error(self) -> Error {
        match self {
            IcmpError::NetUnreachable => Error::NetUnreachable,
            IcmpError::HostUnreachable | IcmpError::AdminProhibited | IcmpError::TimeExceeded => {
                Error::HostUnreachable
            }
            IcmpError::ProtocolUnreachable => Error::ProtocolUnreachable,
            IcmpError::ParameterProblem => Error::Protocol,
            IcmpError::HostDown => Error::HostDown,
            IcmpError::Isolated => Error::NotOnNetwork,
            IcmpError::PortUnreachable => Error::ConnectionRefused,
            IcmpError::PathMtu(_) => Error::MessageTooLong,
            IcmpError::SourceRouteFailed => Error::NotSupported,
        }
    }

    /// What a destination-unreachable code means, and whether it is hard: Linux `icmp_err_convert`. Codes that
    /// RFC 792 and RFC 1122 do not know mean nothing.
    fn unreachable(code: u8) -> Option<(IcmpError, bool)> {
        Some(match code {
            unreachable::NET | unreachable::NET_TOS => (IcmpError::NetUnreachable, false),
            unreachable::HOST | unreachable::HOST_TOS => (IcmpError::HostUnreachable, false),
            unreachable::PROTOCOL => (IcmpError::ProtocolUnreachable, true),
            unreachable::PORT => (IcmpError::PortUnreachable, true),
            unreachable::SOURCE_ROUTE_FAILED => (IcmpError::SourceRouteFailed, false),
            unreachable::NET_UNKNOWN | unreachable::NET_PROHIBITED => (IcmpError::NetUnreachable, true),
            unreachable::HOST_UNKNOWN => (IcmpError::HostDown, true),
            unreachable::SOURCE_ISOLATED => (IcmpError::Isolated, true),
            unreachable::HOST_PROHIBITED | unreachable::ADMIN_PROHIBITED => {
                (IcmpError::AdminProhibited, true)
            }
            // Host precedence violation and precedence cutoff (RFC 1812 section 5.2.7.1).
            14 | 15 => (IcmpError::AdminProhibited, true),
            _ => return None,
        })
    }
}

/// An error to send, see [`Iface::send_icmp_error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// No socket on that UDP port.
    PortUnreachable,
    /// No such protocol.
    ProtocolUnreachable,
    /// Fragments missing after 30 s.
    ReassemblyTimeout,
}

/// Tokens in micro-messages, refilled by the microsecond.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: u64,
    updated: Instant,
}

impl Bucket {
    const ONE: u64 = 1_000_000;

    /// True when there is a token, after refilling `rate` a second up to `burst`.
    fn refill(&mut self, now: Instant, rate: u64, burst: u64) -> bool {
        let elapsed = now.micros().saturating_sub(self.updated.micros());
        let limit = burst.saturating_mul(Self::ONE);
        self.tokens = self.tokens.saturating_add(elapsed.saturating_mul(rate)).min(limit);
        self.updated = now;
        self.tokens >= Self::ONE
    }

    fn take(&mut self) {
        self.tokens = self.tokens.saturating_sub(Self::ONE);
    }
}

/// Linux `icmp_msgs_per_sec` and `icmp_msgs_burst`.
const GLOBAL_RATE: (u64, u64) = (1000, 50);
/// Linux `icmp_ratelimit` and XRLIM_BURST_FACTOR.
const PEER_RATE: (u64, u64) = (1, 6);
const MAX_PEERS: usize = 1024;

/// The rate limits of RFC 1812 section 4.3.2.8.
#[derive(Debug)]
pub(crate) struct RateLimit {
    global: Bucket,
    peers: HashMap<Ipv4Addr, Bucket, Keyed>,
}

impl RateLimit {
    pub(crate) fn new(now: Instant, key: Keyed) -> RateLimit {
        let global = Bucket { tokens: GLOBAL_RATE.1 * Bucket::ONE, updated: now };
        RateLimit { global, peers: HashMap::with_hasher(key) }
    }

    /// True when one more error may go to `peer`.
    pub(crate) fn allow(&mut self, now: Instant, peer: Ipv4Addr) -> bool {
        let (rate, burst) = PEER_RATE;
        if self.peers.len() >= MAX_PEERS && !self.peers.contains_key(&peer) {
            // A full bucket says no more than an absent one.
            let refilled = Duration::from_secs(burst);
            self.peers.retain(|_, bucket| now.since(bucket.updated) < refilled);
            if self.peers.len() >= MAX_PEERS {
                return false;
            }
        }
        let full = Bucket { tokens: burst * Bucket::ONE, updated: now };
        let bucket = self.peers.entry(peer).or_insert(full);
        // Neither pays for what the other refuses.
        let allowed =
            bucket.refill(now, rate, burst) && self.global.refill(now, GLOBAL_RATE.0, GLOBAL_RATE.1);
        if allowed {
            bucket.take();
            self.global.take();
        }
        allowed
    }
}

impl Iface {
    /// Sends an ICMP error about `packet` (whole, header included, as received), if it may be sent.
    pub(crate) fn send_icmp_error(
        &mut self,
        now: Instant,
        header: &ipv4::Repr,
        packet: &[u8],
        complaint: Complaint,
        counters: &mut Counters,
    ) {
        // RFC 1122 section 3.2.2: "An ICMP error message MUST NOT be sent as the result of receiving: an ICMP error
        // message, or a datagram destined to an IP broadcast or IP multicast address, [...] or a non-initial
        // fragment, or a datagram whose source address does not define a single host". Link-layer broadcasts are
        // dropped before they come here.
        let about_error = header.protocol == ipv4::PROTO_ICMP
            && !packet
                .get(usize::from(packet.first().copied().unwrap_or(0) & 0xf) * 4)
                .is_some_and(|kind| matches!(*kind, kind::ECHO_REQUEST | kind::ECHO_REPLY));
        if about_error
            || header.fragment_offset != 0
            || !self.is_local(header.dst)
            || !self.is_single_host(header.src)
        {
            counters.icmp_errors_suppressed += 1;
            return;
        }
        if !self.is_local(header.src) && !self.rate_limit.allow(now, header.src) {
            counters.icmp_rate_limited += 1;
            return;
        }
        // RFC 1812 section 4.3.2.3: as much as fits 576 bytes.
        let room = 576 - ipv4::HEADER_LEN - crate::wire::icmpv4::HEADER_LEN;
        let quoted = packet.get(..packet.len().min(room)).unwrap_or(packet);
        let message = match complaint {
            Complaint::PortUnreachable => Repr::DstUnreachable { code: unreachable::PORT, mtu: 0, quoted },
            Complaint::ProtocolUnreachable => {
                Repr::DstUnreachable { code: unreachable::PROTOCOL, mtu: 0, quoted }
            }
            Complaint::ReassemblyTimeout => Repr::TimeExceeded { code: 1, quoted },
        };
        // RFC 1812 section 4.3.2.5: internetwork control precedence.
        if self.send_icmp(header.dst, header.src, (header.tos & 0x1e) | 0xc0, &message) {
            counters.icmp_errors_out += 1;
        } else {
            counters.output_dropped += 1;
        }
    }

    /// Queues an ICMP message of ours; false when the queue is full.
    fn send_icmp(&mut self, src: Ipv4Addr, dst: Ipv4Addr, tos: u8, message: &Repr<'_>) -> bool {
        let mut data = self.take_spare();
        message.emit(&mut data);
        self.push_out(OutPacket {
            gso_size: 0,
            src,
            dst,
            protocol: ipv4::PROTO_ICMP,
            tos,
            ttl: 64,
            // The sockets that Linux answers ICMP with do no path MTU discovery.
            df: Df::Never,
            header: Layer4::Raw,
            data,
            owner: None,
            sent: 0,
            ident: None,
            loops: false,
            no_check: false,
        })
    }
}

impl Layers {
    /// Takes an ICMP message: the payload of `packet` from `header_len` on.
    pub(crate) fn on_icmp(
        &mut self,
        now: Instant,
        ip: &ipv4::Repr,
        header_len: usize,
        packet: &Buf,
        rx: &Rx,
        destination: Destination,
    ) {
        let counters = &mut self.counters;
        counters.icmp_in += 1;
        let message = packet.slice(header_len, packet.len());
        let repr = match Repr::parse(&message, !rx.trusted) {
            Ok(repr) => repr,
            Err(WireError::Checksum) => {
                counters.icmp_bad_checksum += 1;
                return;
            }
            Err(WireError::Truncated | WireError::Malformed) => {
                counters.icmp_malformed += 1;
                return;
            }
        };
        let notice = Notice { ip: *ip, message: &message, at: now };
        match repr {
            Repr::EchoRequest { ident, seq, data } => {
                counters.icmp_echo_requests_in += 1;
                // Linux `icmp_echo_ignore_broadcasts`.
                if destination != Destination::Unicast {
                    counters.icmp_broadcast_ignored += 1;
                    return;
                }
                let reply = Repr::EchoReply { ident, seq, data };
                if self.iface.send_icmp(ip.dst, ip.src, ip.tos, &reply) {
                    counters.icmp_echo_replies_out += 1;
                } else {
                    counters.output_dropped += 1;
                }
            }
            Repr::EchoReply { ident, .. } => {
                counters.icmp_echo_replies_in += 1;
                if !self.ping.on_echo_reply(ip, ident, message.clone(), now, counters) {
                    counters.icmp_echo_reply_unmatched += 1;
                }
            }
            Repr::DstUnreachable { code: unreachable::FRAG_NEEDED, mtu, quoted } => {
                self.on_icmp_error(&notice, destination, quoted, |quoted| {
                    let mtu = PathMtus::interpret(mtu, quoted.ip.total_len);
                    Some((IcmpError::PathMtu(mtu), true))
                });
            }
            Repr::DstUnreachable { code, quoted, .. } => {
                self.on_icmp_error(&notice, destination, quoted, |_| IcmpError::unreachable(code));
            }
            Repr::TimeExceeded { quoted, .. } => {
                self.on_icmp_error(&notice, destination, quoted, |_| Some((IcmpError::TimeExceeded, false)));
            }
            Repr::ParamProblem { quoted, .. } => {
                self.on_icmp_error(&notice, destination, quoted, |_| {
                    Some((IcmpError::ParameterProblem, true))
                });
            }
            Repr::Redirect { .. } => counters.icmp_redirect_ignored += 1,
            Repr::SourceQuench { .. } | Repr::Other { .. } => counters.icmp_other_ignored += 1,
        }
    }

    fn on_icmp_error(
        &mut self,
        notice: &Notice<'_>,
        destination: Destination,
        quoted: &[u8],
        meaning: impl FnOnce(&Quoted<'_>) -> Option<(IcmpError, bool)>,
    ) {
        self.counters.icmp_errors_in += 1;
        let Ok(quoted) = parse_quoted(quoted) else {
            self.counters.icmp_malformed += 1;
            return;
        };
        let Some((error, hard)) = meaning(&quoted) else {
            self.counters.icmp_other_ignored += 1;
            return;
        };
        // An honest error quotes what we sent, and comes to us alone.
        if destination != Destination::Unicast || !self.iface.is_local(quoted.ip.src) {
            self.counters.icmp_error_unmatched += 1;
            return;
        }
        if let IcmpError::PathMtu(mtu) = error {
            // A packet that does not exceed the MTU cannot have been too big.
            if quoted.ip.total_len <= usize::from(mtu) {
                self.counters.pmtu_rejected += 1;
                return;
            }
        }
        self.tell_socket(&quoted, error, hard, notice);
    }

    /// Tells the socket that sent the quoted packet of `error`.
    pub(crate) fn tell_socket(
        &mut self,
        quoted: &Quoted<'_>,
        error: IcmpError,
        hard: bool,
        notice: &Notice<'_>,
    ) {
        let now = notice.at;
        let raw = !self.raw.is_empty() && self.tell_raw(quoted, error, hard, notice);
        let (src_port, dst_port) = quoted.ports();
        let local = SocketAddrV4::new(quoted.ip.src, src_port);
        let remote = SocketAddrV4::new(quoted.ip.dst, dst_port);
        match quoted.ip.protocol {
            ipv4::PROTO_TCP => {
                // TCP counts what it does not believe (RFC 5927): the path is lowered for the rest only.
                let refused = |c: &Counters| c.icmp_error_unmatched.wrapping_add(c.tcp_icmp_out_of_window);
                let before = refused(&self.counters);
                let seq = quoted.tcp_seq();
                if !matches!(error, IcmpError::PathMtu(_)) {
                    let report =
                        Report { error: error.error(), hard, to: remote, payload: quoted.l4, notice };
                    self.tcp.queue_error(local, seq, &report);
                }
                // The packets that are sent from now on are those that the IP layer makes of it.
                let told = match error {
                    IcmpError::PathMtu(mtu) => IcmpError::PathMtu(mtu.max(self.iface.least_path_mtu())),
                    other => other,
                };
                self.tcp.on_icmp_error(now, local, remote, seq, told, &mut self.counters);
                if let IcmpError::PathMtu(mtu) = error {
                    if refused(&self.counters) == before {
                        self.lower_path_mtu(now, quoted.ip.dst, mtu);
                    }
                }
            }
            ipv4::PROTO_UDP => {
                if !self.udp.matches_error(local, remote) {
                    self.counters.icmp_error_unmatched += 1;
                    return;
                }
                if let IcmpError::PathMtu(mtu) = error {
                    self.lower_path_mtu(now, quoted.ip.dst, mtu);
                }
                // Behind the UDP header.
                let payload = quoted.l4.get(8..).unwrap_or(&[]);
                let report = Report { error: error.error(), hard, to: remote, payload, notice };
                self.udp.on_error(local, remote, &report);
            }
            ipv4::PROTO_ICMP if quoted.l4.first() == Some(&kind::ECHO_REQUEST) => {
                let local = SocketAddrV4::new(quoted.ip.src, quoted.echo_ident());
                let remote = SocketAddrV4::new(quoted.ip.dst, 0);
                if !self.ping.matches_error(local, remote) {
                    self.counters.icmp_error_unmatched += 1;
                    return;
                }
                if let IcmpError::PathMtu(mtu) = error {
                    self.lower_path_mtu(now, quoted.ip.dst, mtu);
                }
                let report = Report { error: error.error(), hard, to: remote, payload: quoted.l4, notice };
                self.ping.on_error(local, remote, &report);
            }
            _ if raw => {}
            _ => self.counters.icmp_error_unmatched += 1,
        }
    }

    pub(crate) fn lower_path_mtu(&mut self, now: Instant, dst: Ipv4Addr, mtu: u16) {
        if !self.iface.is_local(dst) && self.iface.paths.lower(now, dst, mtu, self.iface.config.mtu) {
            self.counters.pmtu_updates += 1;
        } else {
            self.counters.pmtu_rejected += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn a_peer_gets_a_burst_of_six_and_then_one_a_second() {
        let mut limit = RateLimit::new(at(0), Keyed::derive(&[0; 32], "icmp"));
        let peer = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!((0..20).filter(|_| limit.allow(at(0), peer)).count(), 6);
        assert_eq!((1..=1000).filter(|ms| limit.allow(at(*ms), peer)).count(), 1);
        assert!(limit.allow(at(1000), Ipv4Addr::new(10, 0, 0, 2)), "others are not hurt");
        assert_eq!((0..20).filter(|_| limit.allow(at(60_000), peer)).count(), 6);
    }

    #[test]
    fn all_peers_together_get_fifty_at_once_and_a_thousand_a_second() {
        let mut limit = RateLimit::new(at(0), Keyed::derive(&[0; 32], "icmp"));
        let burst = (0..200u32).filter(|n| limit.allow(at(0), Ipv4Addr::from(*n))).count();
        assert_eq!(burst, 50);
        let second = (0..100_000u32)
            .filter(|n| limit.allow(Instant::from_micros(u64::from(*n) * 10), Ipv4Addr::from(n % 900)))
            .count();
        assert!((900..=1000).contains(&second), "{second}");
        assert!(limit.peers.len() <= MAX_PEERS);
    }

    #[test]
    fn codes_mean_what_linux_says() {
        let meaning = |code| IcmpError::unreachable(code).map(|(error, hard)| (error.error(), hard));
        assert_eq!(meaning(0), Some((Error::NetUnreachable, false)));
        assert_eq!(meaning(1), Some((Error::HostUnreachable, false)));
        assert_eq!(meaning(2), Some((Error::ProtocolUnreachable, true)));
        assert_eq!(meaning(3), Some((Error::ConnectionRefused, true)));
        assert_eq!(meaning(5), Some((Error::NotSupported, false)));
        assert_eq!(meaning(7), Some((Error::HostDown, true)));
        assert_eq!(meaning(8), Some((Error::NotOnNetwork, true)));
        assert_eq!(meaning(10), Some((Error::HostUnreachable, true)));
        assert_eq!(meaning(13), Some((Error::HostUnreachable, true)));
        assert_eq!(meaning(16), None);
    }
}
