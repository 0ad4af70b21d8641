//! The interface: one Ethernet link, ARP, IPv4 and ICMP, and the doors to the transports.
//!
//! [`Layers`] holds everything that a packet passes: [`Iface`] below, `Tcp` and the two sets of datagram sockets above,
//! counters beside. What comes in is followed in [`ingress`], what goes out in [`egress`]; each other file is
//! one mechanism with its state.
//!
//! Nothing leaves outside [`Layers::transmit`]: ARP packets, ICMP messages, datagrams and frames whose neighbour has
//! just answered wait in bounded queues, TCP keeps its own. Packets to ourselves go to a bounded queue too and come in
//! again within the same call, without Ethernet, checksums or fragmentation (MTU 65535).

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::buf::Buf;
use crate::counters::Counters;
use crate::error::{Error, Result};
use crate::raw::Raw;
use crate::stack::LogEntry;
use crate::tcp::{SegmentIn, Tcp};
use crate::time::{Duration, Instant};
use crate::types::{Config, Kind, MacAddr, MtuDiscover, TcpOptions};
use crate::udp::Datagrams;
use crate::udp::errors::Notice;
use crate::wire::icmpv4::{Repr, unreachable};
use crate::wire::{arp, ipv4};

pub(crate) mod egress;
pub(crate) mod icmp;
pub(crate) mod igmp;
pub(crate) mod ingress;
pub(crate) mod keys;
pub(crate) mod multicast;
mod neighbor;
mod pmtu;
mod reassembly;
mod route;

use egress::{Idents, OutPacket};
use icmp::{IcmpError, RateLimit};
use keys::{Keyed, derive_secret};
use multicast::Multicast;
use neighbor::Neighbors;
use pmtu::{Path, PathMtus};
use reassembly::Reassembly;
use route::Routes;

/// MTU of packets to ourselves.
const LOOPBACK_MTU: u16 = 65_535;
/// Bytes and packets of our own making (ICMP) that wait to leave. Sockets bound theirs by their send buffer.
const MAX_OUT_BYTES: usize = 1024 * 1024;
const MAX_OUT_PACKETS: usize = 1024;
/// Packets to ourselves that wait.
const MAX_LOOPED_BYTES: usize = 4 * 1024 * 1024;
const MAX_LOOPED_PACKETS: usize = 1024;
const MAX_LOG: usize = 16;
/// RFC 5227 section 2.4: DEFEND_INTERVAL.
const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// Buffers kept for datagrams to come, of any size and of the size of a frame.
const MAX_SPARE: usize = 16;
const MAX_SMALL_SPARE: usize = 64;
const SMALL_SPARE: usize = 2048;
/// RFC 1112 section 6.2: the group that every host is in.
pub(crate) const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);

/// All layers of a stack.
pub(crate) struct Layers {
    pub(crate) iface: Iface,
    pub(crate) tcp: Tcp,
    pub(crate) udp: Datagrams,
    pub(crate) ping: Datagrams,
    pub(crate) raw: Raw,
    pub(crate) counters: Counters,
}

/// A packet to ourselves.
enum Looped {
    /// A segment needs no bytes for its headers.
    Tcp(SegmentIn),
    /// An IPv4 packet, its layer-4 checksum not filled in; payload bytes of each datagram if it stands for several, else 0.
    Packet(Buf, u16),
}

/// The link and the IP layer.
pub(crate) struct Iface {
    pub(crate) config: Config,
    pub(crate) log: VecDeque<LogEntry>,
    routes: Routes,
    neighbors: Neighbors,
    reassembly: Reassembly,
    paths: PathMtus,
    rate_limit: RateLimit,
    pub(crate) multicast: Multicast,
    idents: Idents,
    /// ARP replies and announcements to send, each with its destination.
    arp_out: VecDeque<(MacAddr, arp::Repr)>,
    /// IPv4 packets to send, TCP's excepted.
    out: VecDeque<OutPacket>,
    /// Bytes in `out` that no socket is charged for.
    out_unowned: usize,
    looped: VecDeque<Looped>,
    looped_bytes: usize,
    /// Frame headers are built here.
    header: Vec<u8>,
    /// Buffers for datagrams, to be used again.
    spare: Vec<Vec<u8>>,
    /// When we last defended our address.
    defended: Option<Instant>,
    down: bool,
    /// The last time that we were told.
    pub(crate) now: Instant,
}

impl Layers {
    pub(crate) fn new(config: Config, now: Instant, entropy: [u8; 32]) -> Layers {
        let key = |label| Keyed::derive(&entropy, label);
        let mut iface = Iface {
            routes: Routes::new(config.addr, config.gateway),
            log: VecDeque::new(),
            neighbors: Neighbors::new(key("neighbors")),
            reassembly: Reassembly::new(key("reassembly")),
            paths: PathMtus::new(key("path mtu")),
            rate_limit: RateLimit::new(now, key("icmp rate")),
            multicast: Multicast::new(key("multicast")),
            idents: Idents::new(key("ip ident")),
            arp_out: VecDeque::new(),
            out: VecDeque::new(),
            out_unowned: 0,
            looped: VecDeque::new(),
            looped_bytes: 0,
            header: Vec::with_capacity(128),
            spare: Vec::new(),
            defended: None,
            down: false,
            now,
            config,
        };
        // RFC 5227 section 2.3, once as Linux `arp_notify` does: a second one would cost a timer.
        iface.announce();
        Layers {
            tcp: Tcp::new(
                TcpOptions {
                    congestion: iface.config.congestion,
                    ecn: iface.config.ecn,
                    ..TcpOptions::default()
                },
                derive_secret(&entropy, "tcp"),
            ),
            udp: Datagrams::new(Kind::Udp, key("udp")),
            ping: Datagrams::new(Kind::Ping, key("ping")),
            raw: Raw::new(key("raw")),
            counters: Counters::default(),
            iface,
        }
    }

    /// Does what the passing of time demands.
    pub(crate) fn on_timeout(&mut self, now: Instant) {
        self.iface.now = now;
        while let Some((_, frames)) = self.iface.neighbors.on_timeout(now) {
            self.counters.neighbor_failed += 1;
            for frame in frames {
                self.counters.neighbor_unreachable_dropped += 1;
                // As Linux: an ICMP error to ourselves about each packet (arp_error_report, ipv4_link_failure).
                let packet = frame.bytes.get(crate::wire::ethernet::HEADER_LEN..).unwrap_or(&[]);
                if let Ok(quoted) = crate::wire::icmpv4::parse_quoted(packet) {
                    let own = self.iface.config.addr.addr;
                    let mut message = Vec::new();
                    let unreachable =
                        Repr::DstUnreachable { code: unreachable::HOST, mtu: 0, quoted: packet };
                    unreachable.emit(&mut message);
                    let ip = ipv4::Repr {
                        src: own,
                        dst: own,
                        protocol: ipv4::PROTO_ICMP,
                        ttl: 64,
                        tos: 0xc0,
                        ident: 0,
                        dont_fragment: false,
                        more_fragments: false,
                        fragment_offset: 0,
                        payload_len: message.len(),
                    };
                    let notice = Notice { ip, message: &message, at: now };
                    self.tell_socket(&quoted, IcmpError::HostUnreachable, false, &notice);
                }
            }
        }
        while let Some(first) = self.iface.reassembly.on_timeout(now) {
            self.counters.ip_reassembly_timeout += 1;
            // RFC 1122 section 3.3.2: "if the first fragment has been received".
            if let Some((header, packet)) = first {
                let complaint = icmp::Complaint::ReassemblyTimeout;
                self.iface.send_icmp_error(now, &header, &packet, complaint, &mut self.counters);
            }
        }
        self.tcp.on_timeout(now, &mut self.counters);
        self.collect_counters();
    }

    /// The next time that something is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if !self.iface.looped.is_empty() {
            return Some(self.iface.now);
        }
        let own = [
            self.iface.neighbors.poll_timeout(),
            self.iface.reassembly.poll_timeout(),
            // Without a device nobody is told.
            self.iface.multicast.igmp.poll_timeout().filter(|_| !self.iface.down),
        ];
        own.into_iter().flatten().chain(self.tcp.poll_timeout()).min()
    }

    /// The device is gone.
    pub(crate) fn device_gone(&mut self) {
        let iface = &mut self.iface;
        iface.down = true;
        iface.neighbors.clear();
        iface.reassembly.clear();
        iface.arp_out.clear();
        iface.out.clear();
        iface.out_unowned = 0;
        iface.looped.clear();
        iface.looped_bytes = 0;
        self.tcp.device_gone();
        self.udp.device_gone();
        self.ping.device_gone();
        self.raw.set.device_gone();
    }

    /// Copies counts that mechanisms keep by themselves.
    fn collect_counters(&mut self) {
        self.counters.neighbor_pending_dropped = self.iface.neighbors.dropped;
        self.counters.neighbor_evicted = self.iface.neighbors.evicted;
        self.counters.ip_reassembly_memory = self.iface.reassembly.evicted;
    }
}

impl Iface {
    /// True for addresses whose packets loop inside the stack.
    pub(crate) fn is_local(&self, addr: Ipv4Addr) -> bool {
        addr == self.config.addr.addr || (self.config.loopback && addr.is_loopback())
    }

    /// True for the limited broadcast address and that of our network.
    pub(crate) fn is_broadcast(&self, addr: Ipv4Addr) -> bool {
        addr.is_broadcast() || Some(addr) == self.config.addr.broadcast()
    }

    /// True for addresses that can name one host (RFC 1122 section 3.2.1.3).
    fn is_single_host(&self, addr: Ipv4Addr) -> bool {
        addr.octets().first() != Some(&0) && !addr.is_multicast() && !self.is_broadcast(addr)
    }

    /// The unspecified address as a destination means ourselves, as on Linux.
    pub(crate) fn name_ourselves(&self, remote: SocketAddrV4, bound: Option<Ipv4Addr>) -> SocketAddrV4 {
        if remote.ip().is_unspecified() {
            SocketAddrV4::new(bound.unwrap_or(self.config.addr.addr), remote.port())
        } else {
            remote
        }
    }

    /// The source address of packets to `dst` from a socket bound to `bound`.
    ///
    /// # Errors
    /// [`Error::NetUnreachable`] without a route, [`Error::InvalidArgument`] for 127/8 to the outside.
    pub(crate) fn source_for(&self, dst: Ipv4Addr, bound: Option<Ipv4Addr>) -> Result<Ipv4Addr> {
        if self.down {
            return Err(Error::NetDown);
        }
        let own = self.config.addr.addr;
        if self.is_local(dst) {
            let source = if dst.is_loopback() { Ipv4Addr::LOCALHOST } else { own };
            return Ok(bound.unwrap_or(source));
        }
        if dst.is_loopback() {
            return Err(Error::NetUnreachable);
        }
        if bound.is_some_and(|addr| addr.is_loopback()) {
            return Err(Error::InvalidArgument);
        }
        if self.is_broadcast(dst) || dst.is_multicast() || self.routes.next_hop(dst).is_some() {
            return Ok(bound.unwrap_or(own));
        }
        Err(Error::NetUnreachable)
    }

    /// SO_DONTROUTE: a destination that only the router can reach has no route (Linux: RT_SCOPE_LINK).
    pub(crate) fn check_near(&self, dst: Ipv4Addr) -> Result<()> {
        let near =
            self.is_local(dst) || self.is_broadcast(dst) || dst.is_multicast() || self.routes.is_on_link(dst);
        if near { Ok(()) } else { Err(Error::NetUnreachable) }
    }

    /// A source address that IP_FREEBIND let in has no route (ip_route_output_key_hash_rcu).
    pub(crate) fn check_source(&self, bound: Option<Ipv4Addr>) -> Result<()> {
        let foreign = |a: Ipv4Addr| {
            !(a.is_unspecified() || self.is_local(a) || self.is_broadcast(a) || a.is_multicast())
        };
        if bound.is_some_and(foreign) { Err(Error::NetUnreachable) } else { Ok(()) }
    }

    /// The path to `dst`.
    fn path(&self, now: Instant, dst: Ipv4Addr) -> Path {
        if self.is_local(dst) {
            return Path { mtu: LOOPBACK_MTU, locked: false };
        }
        self.paths.get(now, dst, self.config.mtu)
    }

    /// The path MTU towards `dst`, bytes of IP packet.
    pub(crate) fn path_mtu(&self, dst: Ipv4Addr) -> u16 {
        self.path(self.now, dst).mtu
    }

    /// The least that a path's MTU is lowered to, bytes of IP packet.
    fn least_path_mtu(&self) -> u16 {
        pmtu::floor(self.config.mtu)
    }

    /// As [`Iface::path_mtu`], or the device's where IP_MTU_DISCOVER says that the path's does not count.
    pub(crate) fn mtu_for(&self, dst: Ipv4Addr, how: MtuDiscover) -> u16 {
        if how.uses_path() || self.is_local(dst) { self.path_mtu(dst) } else { self.config.mtu }
    }

    /// What was sent to `dst` gets there: the neighbour on the way lives.
    pub(crate) fn confirm(&mut self, now: Instant, dst: Ipv4Addr) {
        if let Some(hop) = self.routes.next_hop(dst) {
            self.neighbors.confirm(now, hop);
        }
    }

    /// The neighbours.
    pub(crate) fn neighbors(&self, now: Instant) -> Vec<crate::types::Neighbor> {
        self.neighbors.list(now)
    }

    /// True while something other than TCP's waits to leave.
    pub(crate) fn output_pending(&self) -> bool {
        !self.out.is_empty() || self.neighbors.holds_frames()
    }

    /// Queues a packet that is not TCP's; false when it was dropped.
    pub(crate) fn push_out(&mut self, packet: OutPacket) -> bool {
        if self.down {
            return false;
        }
        if packet.owner.is_none() {
            let size = packet.data.len().saturating_add(64);
            if self.out.len() >= MAX_OUT_PACKETS || self.out_unowned.saturating_add(size) > MAX_OUT_BYTES {
                self.give_spare(packet.data);
                return false;
            }
            self.out_unowned = self.out_unowned.saturating_add(size);
        }
        self.out.push_back(packet);
        true
    }

    /// An empty buffer.
    pub(crate) fn take_spare(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// A buffer that is done with.
    pub(crate) fn give_spare(&mut self, mut buffer: Vec<u8>) {
        let most = if buffer.capacity() <= SMALL_SPARE { MAX_SMALL_SPARE } else { MAX_SPARE };
        if self.spare.len() < most {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Queues an ARP announcement: a request for our own address, which nobody answers.
    fn announce(&mut self) {
        let Config { mac, addr, .. } = &self.config;
        let repr = arp::Repr {
            operation: arp::Operation::Request,
            sha: *mac,
            spa: addr.addr,
            tha: MacAddr::default(),
            tpa: addr.addr,
        };
        self.arp_out.push_back((MacAddr::BROADCAST, repr));
    }

    /// Another host claims our address. The user gave it to us and we have no other, so it is defended without end, once in
    /// ten seconds: RFC 5227 section 2.4 (c). (It is not probed for at the start, section 2.1: that takes seconds.)
    fn on_conflict(&mut self, now: Instant, mac: MacAddr) {
        if self.defended.is_some_and(|last| now.since(last) < DEFEND_INTERVAL) {
            return;
        }
        self.defended = Some(now);
        if self.log.len() < MAX_LOG {
            self.log.push_back(LogEntry::AddressConflict { addr: self.config.addr.addr, mac });
        }
        self.announce();
    }
}
