//! The way out: routes, neighbours, headers, fragments, offloads.
//!
//! Headers of a frame are built in one buffer that is used again and again; payload slices pass through to the sink
//! untouched, so a TCP segment is neither copied nor allocated on its way from the send buffer to the device. Only a
//! packet that must wait (for ARP) or that goes to ourselves is copied.
//!
//! With `tx_checksum` the layer-4 checksum field holds the folded pseudo-header sum and the device does the rest; with
//! `tso` a TCP segment may be larger than the MTU and the device cuts it; with `uso` so may several datagrams of one send,
//! which without it are cut here. Datagrams that wait one behind the other and are alike but for their data leave as one such
//! frame too (sendmmsg), which saves most of what the device costs for each. Datagrams above the path MTU are fragmented here (RFC 791 section 3.2), their checksums
//! always complete.
//!
//! When the sink is full everything stays where it is, a half-sent datagram with its offset.

use std::net::Ipv4Addr;

use crate::buf::Buf;
use crate::counters::Counters;
use crate::iface::keys::Keyed;
use crate::iface::multicast::mac_of;
use crate::iface::neighbor::HeldFrame;
use crate::iface::pmtu::Path;
use crate::iface::{Iface, Layers, Looped, MAX_LOOPED_BYTES, MAX_LOOPED_PACKETS};
use crate::tcp::{IpOutput, SegmentIn, TcpOut};
use crate::time::Instant;
use crate::types::{
    Capabilities, Full, Gso, Kind, MacAddr, MtuDiscover, Sink, SocketId, Transmit, TxChecksum, TxMeta,
};
use crate::wire::ethernet::{self, EtherType};
use crate::wire::{ChecksumMode, arp, ipv4, tcp, udp};

/// Offset of the layer-4 header in the frames that we build.
const L4_START: u16 = (ethernet::HEADER_LEN + ipv4::HEADER_LEN) as u16;
/// Packets to ourselves that one call processes; the rest is due at once, after the host had its turn.
const LOOP_BUDGET: usize = 10_000;

/// Data of one UDP datagram, or of all in a frame of several.
const MAX_DATA: usize = 65_535 - ipv4::HEADER_LEN - udp::HEADER_LEN;
/// UDP_MAX_SEGMENTS of Linux 6.18: datagrams in one send or frame.
pub(crate) const MAX_SEGMENTS: usize = 128;

/// What to do about the don't-fragment flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Df {
    /// Never set (Linux IP_PMTUDISC_DONT).
    Never,
    /// Set on packets that fit the path, others are fragmented (IP_PMTUDISC_WANT, the default of UDP).
    IfFits,
    /// Set; what does not fit is refused (IP_PMTUDISC_DO).
    Always,
    /// Set, and the device's MTU counts (IP_PMTUDISC_PROBE).
    Link,
    /// Never set, and the device's MTU counts (IP_PMTUDISC_INTERFACE, IP_PMTUDISC_OMIT).
    NeverLink,
}

impl From<MtuDiscover> for Df {
    fn from(how: MtuDiscover) -> Df {
        match how {
            MtuDiscover::Dont => Df::Never,
            MtuDiscover::Want => Df::IfFits,
            MtuDiscover::Do => Df::Always,
            MtuDiscover::Probe => Df::Link,
            MtuDiscover::Interface | MtuDiscover::Omit => Df::NeverLink,
        }
    }
}

impl Df {
    /// The flag of a packet that fits.
    fn flag(self, locked: bool) -> bool {
        match self {
            Df::Never | Df::NeverLink => false,
            Df::IfFits => !locked,
            Df::Always | Df::Link => true,
        }
    }
}

/// How the IP payload begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer4 {
    /// A UDP header, built when the packet leaves.
    Udp(udp::Repr),
    /// The data is the whole IP payload.
    Raw,
    /// The data is the whole packet, its IP header included.
    Packet,
}

/// A datagram that waits to leave.
#[derive(Debug)]
pub(crate) struct OutPacket {
    pub(crate) src: Ipv4Addr,
    pub(crate) dst: Ipv4Addr,
    pub(crate) protocol: u8,
    pub(crate) tos: u8,
    pub(crate) ttl: u8,
    pub(crate) df: Df,
    pub(crate) header: Layer4,
    pub(crate) data: Vec<u8>,
    /// Several UDP datagrams of this many bytes, the last one perhaps shorter (UDP_SEGMENT); 0: one packet.
    pub(crate) gso_size: u16,
    /// The socket whose send buffer it fills, and by how many bytes.
    pub(crate) owner: Option<(SocketId, usize)>,
    /// Bytes of IP payload that left in fragments, or of data in datagrams.
    pub(crate) sent: usize,
    /// Chosen when the first frame is built.
    pub(crate) ident: Option<u16>,
    /// To a group: its members here get a copy (IP_MULTICAST_LOOP).
    pub(crate) loops: bool,
    /// SO_NO_CHECK: a UDP datagram without a checksum.
    pub(crate) no_check: bool,
}

impl OutPacket {
    fn header_len(&self) -> usize {
        match self.header {
            Layer4::Udp(_) => udp::HEADER_LEN,
            Layer4::Raw | Layer4::Packet => 0,
        }
    }

    fn payload_len(&self) -> usize {
        self.header_len().saturating_add(self.data.len())
    }

    /// Datagrams that it stands for.
    fn datagrams(&self) -> usize {
        match usize::from(self.gso_size) {
            0 => 1,
            size => self.data.len().div_ceil(size),
        }
    }

    /// True when `next`, of `len` bytes, may travel in the frame of this one, whose other datagrams it follows.
    fn can_take(&self, next: &OutPacket, len: usize) -> bool {
        let alike = matches!(self.header, Layer4::Udp(_))
            && (self.header, self.src, self.dst) == (next.header, next.src, next.dst)
            && (self.tos, self.ttl, self.df) == (next.tos, next.ttl, next.df)
            && self.owner.map(|(id, _)| id) == next.owner.map(|(id, _)| id);
        // Only the last of a frame may be shorter, and nothing of it must have left.
        let held = self.data.len();
        let size = if self.gso_size == 0 { held } else { usize::from(self.gso_size) };
        alike
            && (next.gso_size, self.sent, self.ident) == (0, 0, None)
            && (1..=size).contains(&len)
            && held.checked_rem(size) == Some(0)
            && held.saturating_add(len) <= MAX_DATA
            && self.datagrams() < MAX_SEGMENTS
    }

    fn ip(&self, ident: u16, payload_len: usize) -> ipv4::Repr {
        ipv4::Repr {
            src: self.src,
            dst: self.dst,
            protocol: self.protocol,
            ttl: self.ttl,
            tos: self.tos,
            ident,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            payload_len,
        }
    }
}

/// Identification fields (RFC 6864, RFC 7739 section 5.3): a counter for each hash of source, destination and
/// protocol, so that they repeat late and tell an observer nothing of our traffic to others.
#[derive(Debug)]
pub(crate) struct Idents {
    key: Keyed,
    counters: Vec<u16>,
}

impl Idents {
    const BUCKETS: usize = 1024;

    pub(crate) fn new(key: Keyed) -> Idents {
        let counters = (0..Self::BUCKETS).map(|n| (key.hash(n) & 0xffff) as u16).collect();
        Idents { key, counters }
    }

    /// Reserves `count` successive values and answers the first.
    fn next(&mut self, src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, count: usize) -> u16 {
        let hash = self.key.hash((src, dst, protocol)) as usize % Self::BUCKETS;
        let Some(counter) = self.counters.get_mut(hash) else { return 0 };
        let first = *counter;
        *counter = counter.wrapping_add(count as u16);
        first
    }
}

/// Counts made on the way out. Kept apart, since TCP holds the counters while it calls us.
#[derive(Debug, Default)]
struct Tally {
    frames: u64,
    bytes: u64,
    full: u64,
    ip: u64,
    no_route: u64,
    fragmented: u64,
    fragments: u64,
    arp_requests: u64,
    arp_replies: u64,
    arp_announcements: u64,
    udp: u64,
    ping: u64,
    raw: u64,
    igmp: u64,
    dropped: u64,
    looped_dropped: u64,
}

impl Tally {
    fn add_to(&self, counters: &mut Counters) {
        counters.frames_out += self.frames;
        counters.bytes_out += self.bytes;
        counters.device_full += self.full;
        counters.ip_out += self.ip;
        counters.ip_no_route += self.no_route;
        counters.ip_fragmented_out += self.fragmented;
        counters.ip_fragments_out += self.fragments;
        counters.arp_requests_out += self.arp_requests;
        counters.arp_replies_out += self.arp_replies;
        counters.arp_announcements_out += self.arp_announcements;
        counters.udp_out += self.udp;
        counters.ping_out += self.ping;
        counters.raw_out += self.raw;
        counters.igmp_out += self.igmp;
        counters.output_dropped += self.dropped;
        counters.loopback_dropped += self.looped_dropped;
    }
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// To this hardware address.
    Mac(MacAddr),
    /// To this neighbour, whose address is not known yet.
    Unresolved(Ipv4Addr),
}

/// One call's way out.
pub(crate) struct Egress<'a> {
    now: Instant,
    iface: &'a mut Iface,
    sink: &'a mut dyn Sink,
    /// The sink took no more: nothing further is offered in this call.
    full: bool,
    tally: Tally,
}

impl Layers {
    /// Hands out every frame that may leave, and processes packets to ourselves until there are none.
    pub(crate) fn transmit(&mut self, now: Instant, sink: &mut dyn Sink) {
        self.iface.now = now;
        if self.iface.down {
            return;
        }
        self.flush_igmp(now);
        let mut budget = LOOP_BUDGET;
        let mut full = false;
        loop {
            let mut egress = Egress { now, iface: &mut self.iface, sink, full, tally: Tally::default() };
            let (udp, ping, raw) = (&mut self.udp, &mut self.ping, &mut self.raw.set);
            egress.flush(|id, charge| {
                let set = match id.kind {
                    Kind::Ping => &mut *ping,
                    Kind::Raw => &mut *raw,
                    Kind::Udp | Kind::Tcp => &mut *udp,
                };
                set.sent(id, charge);
            });
            // Full is not news to us: the flag says whether the device or only the loop queue was.
            let _ = self.tcp.poll_transmit(now, &mut egress, &mut self.counters);
            egress.flush_arp();
            full = egress.full;
            egress.tally.add_to(&mut self.counters);
            if self.iface.looped.is_empty() {
                break;
            }
            while let Some(looped) = self.iface.looped.pop_front() {
                self.receive_looped(now, looped);
                budget = budget.saturating_sub(1);
                if budget == 0 {
                    self.collect_counters();
                    return;
                }
            }
        }
        self.collect_counters();
    }
}

impl Egress<'_> {
    /// Sends all that waits, TCP excepted. `release` is told of datagrams that have left.
    fn flush(&mut self, mut release: impl FnMut(SocketId, usize)) {
        if self.flush_released().is_err() {
            return;
        }
        self.flush_arp();
        while let Some(mut packet) = self.iface.out.pop_front() {
            if self.send_packet(&mut packet).is_err() {
                self.iface.out.push_front(packet);
                return;
            }
            match packet.owner {
                Some((id, charge)) => release(id, charge),
                None => {
                    let size = packet.data.len().saturating_add(64);
                    self.iface.out_unowned = self.iface.out_unowned.saturating_sub(size);
                }
            }
            self.iface.give_spare(packet.data);
        }
    }

    /// Sends frames whose neighbour has answered.
    fn flush_released(&mut self) -> Result<(), Full> {
        while let Some(frame) = self.iface.neighbors.released.pop_front() {
            let headers = frame.meta.gso.map_or(frame.bytes.len(), |gso| usize::from(gso.header_len));
            let (header, payload) = frame.bytes.split_at_checked(headers).unwrap_or((&frame.bytes, &[]));
            if self.transmit(header, &[payload], frame.meta).is_err() {
                self.iface.neighbors.released.push_front(frame);
                return Err(Full);
            }
        }
        Ok(())
    }

    /// Sends ARP packets.
    fn flush_arp(&mut self) {
        while let Some((to, repr)) = self.iface.arp_out.pop_front() {
            if self.send_arp(to, &repr).is_err() {
                self.iface.arp_out.push_front((to, repr));
                return;
            }
            match repr.operation {
                arp::Operation::Reply => self.tally.arp_replies += 1,
                arp::Operation::Request => self.tally.arp_announcements += 1,
            }
        }
        while let Some(request) = self.iface.neighbors.requests.pop_front() {
            let repr = arp::Repr {
                operation: arp::Operation::Request,
                sha: self.iface.config.mac,
                spa: self.iface.config.addr.addr,
                tha: MacAddr::default(),
                tpa: request.target,
            };
            if self.send_arp(request.to, &repr).is_err() {
                self.iface.neighbors.requests.push_front(request);
                return;
            }
            self.tally.arp_requests += 1;
        }
    }

    fn send_arp(&mut self, to: MacAddr, repr: &arp::Repr) -> Result<(), Full> {
        let mut header = self.begin(Target::Mac(to), EtherType::Arp);
        repr.emit(&mut header);
        self.finish(header, Target::Mac(to), &[], TxMeta::default())
    }

    /// Sends one datagram, in fragments when it must be.
    fn send_packet(&mut self, packet: &mut OutPacket) -> Result<(), Full> {
        if self.iface.is_local(packet.dst) {
            self.loop_packet(packet, true)?;
            self.count_packet(packet);
            return Ok(());
        }
        // Members of a group here; with a TTL of 0 nobody else hears it (RFC 1112 section 6.1, ip_mc_output).
        let to_members =
            packet.dst.is_multicast() && packet.loops && self.iface.multicast.is_member(packet.dst);
        if packet.dst.is_multicast() && packet.ttl == 0 {
            self.count_packet(packet);
            return if to_members { self.loop_packet(packet, false) } else { Ok(()) };
        }
        let Some(target) = self.target(packet.dst) else {
            self.tally.no_route += 1;
            return Ok(());
        };
        let mut path = self.iface.path(self.now, packet.dst);
        if matches!(packet.df, Df::Link | Df::NeverLink) {
            path.mtu = self.iface.config.mtu;
        }
        let room = usize::from(path.mtu).saturating_sub(ipv4::HEADER_LEN);
        let total = packet.payload_len();
        let ident = match packet.ident {
            Some(ident) => ident,
            None => self.iface.idents.next(packet.src, packet.dst, packet.protocol, packet.datagrams()),
        };
        packet.ident = Some(ident);
        if packet.header == Layer4::Packet {
            let header = self.begin(target, EtherType::Ipv4);
            self.finish(header, target, &[&packet.data], TxMeta::default())?;
            self.tally.ip += 1;
        } else if packet.gso_size != 0 && usize::from(packet.gso_size).saturating_add(udp::HEADER_LEN) > room
        {
            // The path has shrunk since the socket was asked; it learns from the next send.
            self.tally.dropped += packet.datagrams() as u64;
            return Ok(());
        } else if packet.gso_size != 0 {
            self.send_several(target, ident, path, packet)?;
        } else if total <= room && packet.sent == 0 {
            let ip = ipv4::Repr { dont_fragment: packet.df.flag(path.locked), ..packet.ip(ident, total) };
            self.send_whole(target, &ip, packet)?;
        } else if matches!(packet.df, Df::Always | Df::Link) {
            // The path has shrunk since the socket was asked; it learns from the next send.
            self.tally.dropped += 1;
            return Ok(());
        } else {
            self.send_fragments(target, ident, room, packet)?;
        }
        self.count_packet(packet);
        if to_members || self.iface.is_broadcast(packet.dst) {
            // RFC 1122 says nothing of it, but everybody's sockets hear the broadcasts of their own host.
            let _ = self.loop_packet(packet, false);
        }
        Ok(())
    }

    fn count_packet(&mut self, packet: &OutPacket) {
        match (packet.header, packet.owner) {
            (Layer4::Udp(_), _) => self.tally.udp += packet.datagrams() as u64,
            (Layer4::Raw | Layer4::Packet, Some((id, _))) if id.kind == Kind::Raw => self.tally.raw += 1,
            (Layer4::Raw | Layer4::Packet, Some(_)) => self.tally.ping += 1,
            (Layer4::Packet, None) => self.tally.igmp += 1,
            (Layer4::Raw, None) => {}
        }
    }

    fn send_whole(&mut self, target: Target, ip: &ipv4::Repr, packet: &OutPacket) -> Result<(), Full> {
        let mut header = self.begin(target, EtherType::Ipv4);
        ip.emit(&mut header);
        let payload: &[&[u8]] = &[&packet.data];
        let mut meta = TxMeta::default();
        if let Layer4::Udp(repr) = packet.header {
            let mode = if packet.no_check { ChecksumMode::Absent } else { self.checksum_mode() };
            if mode == ChecksumMode::Partial {
                meta.checksum = Some(TxChecksum { start: L4_START, offset: udp::CHECKSUM_OFFSET });
            }
            repr.emit(&mut header, packet.src, packet.dst, payload, mode);
        }
        self.finish(header, target, payload, meta)?;
        self.tally.ip += 1;
        Ok(())
    }

    /// Sends several datagrams: as one frame that the device cuts, or one by one.
    fn send_several(
        &mut self,
        target: Target,
        ident: u16,
        path: Path,
        packet: &mut OutPacket,
    ) -> Result<(), Full> {
        let Layer4::Udp(repr) = packet.header else { return Ok(()) };
        let size = usize::from(packet.gso_size);
        let capabilities = self.iface.config.capabilities;
        let mode = self.checksum_mode();
        let checksum = (mode == ChecksumMode::Partial)
            .then_some(TxChecksum { start: L4_START, offset: udp::CHECKSUM_OFFSET });
        // Every send fits one frame: it is bounded by what one datagram may have.
        let whole = capabilities.uso && capabilities.tx_checksum;
        let step = if whole { packet.data.len() } else { size };
        while packet.sent < packet.data.len() {
            let end = packet.sent.saturating_add(step).min(packet.data.len());
            let payload: &[&[u8]] = &[packet.data.get(packet.sent..end).unwrap_or(&[])];
            let before = packet.sent.checked_div(size).unwrap_or(0);
            let ip = ipv4::Repr {
                dont_fragment: packet.df.flag(path.locked),
                ..packet
                    .ip(ident.wrapping_add(before as u16), udp::HEADER_LEN.saturating_add(end - packet.sent))
            };
            let mut header = self.begin(target, EtherType::Ipv4);
            ip.emit(&mut header);
            repr.emit(&mut header, packet.src, packet.dst, payload, mode);
            let header_len = header.len() as u16;
            let gso = whole.then_some(Gso { size: packet.gso_size, header_len });
            self.finish(header, target, payload, TxMeta { checksum, gso })?;
            packet.sent = end;
            self.tally.ip += 1;
        }
        Ok(())
    }

    fn send_fragments(
        &mut self,
        target: Target,
        ident: u16,
        room: usize,
        packet: &mut OutPacket,
    ) -> Result<(), Full> {
        let total = packet.payload_len();
        let chunk = (room & !7).max(8);
        if packet.sent == 0 {
            self.tally.fragmented += 1;
        }
        while packet.sent < total {
            let start = packet.sent;
            let end = start.saturating_add(chunk).min(total);
            let ip = ipv4::Repr {
                more_fragments: end < total,
                // At most 65535 - 20.
                fragment_offset: start as u16,
                ..packet.ip(ident, end - start)
            };
            let mut header = self.begin(target, EtherType::Ipv4);
            ip.emit(&mut header);
            let header_len = packet.header_len();
            if let (Layer4::Udp(repr), 0) = (packet.header, start) {
                let mode = if packet.no_check { ChecksumMode::Absent } else { ChecksumMode::Full };
                repr.emit(&mut header, packet.src, packet.dst, &[&packet.data], mode);
            }
            let body = start.saturating_sub(header_len)..end.saturating_sub(header_len);
            let payload = packet.data.get(body).unwrap_or(&[]);
            let sent = self.finish(header, target, &[payload], TxMeta::default());
            if sent.is_err() {
                if start == 0 {
                    self.tally.fragmented -= 1;
                }
                return Err(Full);
            }
            packet.sent = end;
            self.tally.fragments += 1;
            self.tally.ip += 1;
        }
        Ok(())
    }

    /// Puts a copy of a datagram into the loop queue. Without room: `Full` when it `must` get there.
    fn loop_packet(&mut self, packet: &OutPacket, must: bool) -> Result<(), Full> {
        if !self.iface.loop_has_room() {
            if must {
                return Err(Full);
            }
            self.tally.looped_dropped += 1;
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(packet.payload_len().saturating_add(ipv4::HEADER_LEN));
        if packet.header != Layer4::Packet {
            packet.ip(0, packet.payload_len()).emit(&mut bytes);
        }
        if let Layer4::Udp(repr) = packet.header {
            // Not summed, since nobody will look.
            repr.emit(&mut bytes, packet.src, packet.dst, &[&packet.data], ChecksumMode::Partial);
        }
        bytes.extend_from_slice(&packet.data);
        if must {
            self.tally.ip += 1;
        }
        self.iface.push_looped(bytes.len(), Looped::Packet(Buf::from_vec(bytes), packet.gso_size));
        Ok(())
    }

    /// Who takes packets for `dst`; `None` without a route.
    fn target(&mut self, dst: Ipv4Addr) -> Option<Target> {
        if self.iface.is_broadcast(dst) {
            return Some(Target::Mac(MacAddr::BROADCAST));
        }
        if dst.is_multicast() {
            return Some(Target::Mac(mac_of(dst)));
        }
        let hop = self.iface.routes.next_hop(dst)?;
        Some(match self.iface.neighbors.resolve(self.now, hop) {
            Some(mac) => Target::Mac(mac),
            None => Target::Unresolved(hop),
        })
    }

    fn checksum_mode(&self) -> ChecksumMode {
        if self.iface.config.capabilities.tx_checksum { ChecksumMode::Partial } else { ChecksumMode::Full }
    }

    /// The header buffer with an Ethernet header in it.
    fn begin(&mut self, target: Target, ethertype: EtherType) -> Vec<u8> {
        let mut header = std::mem::take(&mut self.iface.header);
        header.clear();
        let dst = match target {
            Target::Mac(mac) => mac,
            Target::Unresolved(_) => MacAddr::default(),
        };
        ethernet::Repr { src: self.iface.config.mac, dst, ethertype }.emit(&mut header);
        header
    }

    /// Sends a frame, or holds it until its neighbour is known; gives the header buffer back.
    fn finish(
        &mut self,
        header: Vec<u8>,
        target: Target,
        payload: &[&[u8]],
        meta: TxMeta,
    ) -> Result<(), Full> {
        let result = match target {
            Target::Mac(_) => self.transmit(&header, payload, meta),
            Target::Unresolved(hop) => {
                let len = payload.iter().map(|slice| slice.len()).fold(header.len(), usize::saturating_add);
                let mut bytes = Vec::with_capacity(len);
                bytes.extend_from_slice(&header);
                for slice in payload {
                    bytes.extend_from_slice(slice);
                }
                self.iface.neighbors.hold(hop, HeldFrame { bytes, meta });
                Ok(())
            }
        };
        self.iface.header = header;
        result
    }

    fn transmit(&mut self, header: &[u8], payload: &[&[u8]], meta: TxMeta) -> Result<(), Full> {
        if self.full {
            return Err(Full);
        }
        let frame = Transmit { header, payload, meta };
        if self.sink.transmit(&frame).is_err() {
            self.full = true;
            self.tally.full += 1;
            return Err(Full);
        }
        self.tally.frames += 1;
        self.tally.bytes += frame.len() as u64;
        Ok(())
    }
}

impl IpOutput for Egress<'_> {
    fn send_tcp(&mut self, now: Instant, tx: &TcpOut<'_>) -> Result<(), Full> {
        let payload_len = tx.payload.iter().map(|slice| slice.len()).fold(0, usize::saturating_add);
        if self.iface.is_local(tx.dst) {
            if !self.iface.loop_has_room() {
                return Err(Full);
            }
            let segment = SegmentIn {
                src: tx.src,
                dst: tx.dst,
                tos: tx.tos,
                ttl: tx.ttl,
                head: Buf::default(),
                repr: *tx.repr,
                payload: Buf::from_vec(tx.payload.concat()),
                gso_size: tx.gso_size.unwrap_or(0),
            };
            self.iface.push_looped(payload_len, Looped::Tcp(segment));
            self.tally.ip += 1;
            return Ok(());
        }
        if self.full {
            return Err(Full);
        }
        if tx.confirm {
            self.iface.confirm(now, tx.dst);
        }
        let Some(target) = self.target(tx.dst) else {
            self.tally.no_route += 1;
            return Ok(());
        };
        let path = self.iface.path(now, tx.dst);
        let gso = tx.gso_size.filter(|size| *size != 0 && payload_len > usize::from(*size));
        let segments = gso.map_or(1, |size| payload_len.div_ceil(usize::from(size.max(1))));
        let l4_header_len = tx.repr.header_len();
        let ip = ipv4::Repr {
            src: tx.src,
            dst: tx.dst,
            protocol: ipv4::PROTO_TCP,
            ttl: tx.ttl,
            tos: tx.tos,
            // The device numbers the segments of a TSO frame from here on.
            ident: self.iface.idents.next(tx.src, tx.dst, ipv4::PROTO_TCP, segments),
            dont_fragment: tx.mtu_discover.flag(path.locked),
            more_fragments: false,
            fragment_offset: 0,
            payload_len: l4_header_len.saturating_add(payload_len),
        };
        let mut header = self.begin(target, EtherType::Ipv4);
        ip.emit(&mut header);
        let mode = self.checksum_mode();
        tx.repr.emit(&mut header, tx.src, tx.dst, tx.payload, mode);
        let header_len = header.len() as u16;
        let meta = TxMeta {
            checksum: (mode == ChecksumMode::Partial)
                .then_some(TxChecksum { start: L4_START, offset: tcp::CHECKSUM_OFFSET }),
            gso: gso.map(|size| Gso { size, header_len }),
        };
        self.finish(header, target, tx.payload, meta)?;
        self.tally.ip += 1;
        Ok(())
    }

    fn path_mtu(&self, dst: Ipv4Addr) -> u16 {
        self.iface.path(self.now, dst).mtu
    }

    fn link_mtu(&self, dst: Ipv4Addr) -> u16 {
        if self.iface.is_local(dst) { self.path_mtu(dst) } else { self.iface.config.mtu }
    }

    fn tso_max(&self, dst: Ipv4Addr) -> usize {
        let capabilities = &self.iface.config.capabilities;
        if self.iface.is_local(dst) {
            usize::from(u16::MAX) - ipv4::HEADER_LEN - tcp::HEADER_LEN
        } else if capabilities.tso && capabilities.tx_checksum {
            usize::from(u16::MAX) - ipv4::HEADER_LEN - tcp::MAX_HEADER_LEN
        } else {
            // TCP never goes below one segment: zero leaves the size to what the peer's MSS allows.
            0
        }
    }
}

impl Iface {
    /// Adds the datagram `next` (still without its data) to the packet that waits last, if the device cuts them apart again;
    /// false when it has to be a packet of its own.
    pub(crate) fn join_out(&mut self, next: &OutPacket, data: &[&[u8]]) -> bool {
        let Capabilities { tx_checksum, uso, .. } = self.config.capabilities;
        let len = data.iter().map(|slice| slice.len()).fold(0, usize::saturating_add);
        let Some(last) = self.out.back().filter(|last| {
            uso && tx_checksum && last.can_take(next, len) && !last.no_check && !next.no_check
        }) else {
            return false;
        };
        let size = if last.gso_size == 0 { last.data.len() } else { usize::from(last.gso_size) };
        let dst = next.dst;
        // What we hear ourselves stays as it was sent, and a device does not fragment.
        let one_host = !self.is_local(dst) && !self.is_broadcast(dst) && !dst.is_multicast();
        let room = usize::from(self.path_mtu(dst)).saturating_sub(ipv4::HEADER_LEN + udp::HEADER_LEN);
        let (true, Ok(gso_size)) = (one_host && size <= room, u16::try_from(size)) else { return false };
        let Some(last) = self.out.back_mut() else { return false };
        last.gso_size = gso_size;
        data.iter().for_each(|slice| last.data.extend_from_slice(slice));
        if let (Some((_, charged)), Some((_, more))) = (last.owner.as_mut(), next.owner) {
            *charged = charged.saturating_add(more);
        }
        true
    }

    /// The identification of a packet whose header is not built here.
    pub(crate) fn next_ident(&mut self, src: Ipv4Addr, dst: Ipv4Addr, protocol: u8) -> u16 {
        self.idents.next(src, dst, protocol, 1)
    }

    fn loop_has_room(&self) -> bool {
        self.looped.len() < MAX_LOOPED_PACKETS && self.looped_bytes < MAX_LOOPED_BYTES
    }

    fn push_looped(&mut self, size: usize, looped: Looped) {
        self.looped_bytes = self.looped_bytes.saturating_add(size);
        self.looped.push_back(looped);
    }
}
