//! The way in: Ethernet, ARP, IPv4, and the handing on to TCP, UDP and ICMP.
//!
//! Each layer checks its header, drops what is wrong and counts why, and passes a view of the same buffer on. Layer-4
//! checksums are verified unless the device vouched for them. A frame that stands for several TCP segments or datagrams
//! goes up whole: the socket knows what to make of it.
//!
//! Limits: a host, not a router, so packets for others are dropped; no IP options are acted on.

use std::net::Ipv4Addr;

use crate::buf::Buf;
use crate::iface::icmp::Complaint;
use crate::iface::neighbor::Claim;
use crate::iface::reassembly::Outcome;
use crate::iface::{Iface, Layers, Looped};
use crate::tcp::SegmentIn;
use crate::time::Instant;
use crate::types::{MacAddr, RxChecksum, RxMeta};
use crate::udp::Arrival;
use crate::wire::ethernet::EtherType;
use crate::wire::{ChecksumMode, WireError, arp, ethernet, ipv4, tcp, udp};

/// Bounds the ARP replies that wait to leave.
const MAX_ARP_OUT: usize = 256;

/// What is known of a packet beside its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rx {
    /// The layer-4 checksum need not be verified.
    pub(crate) trusted: bool,
    /// Payload bytes of each segment when there are several, else 0.
    pub(crate) gso_size: u16,
    /// The frame was sent to us alone.
    pub(crate) unicast_frame: bool,
    /// From ourselves: addresses may be what no wire may carry.
    pub(crate) looped: bool,
    /// Bytes of the largest fragment that it came in; 0: it is not put together.
    pub(crate) largest_fragment: u16,
}

/// From ourselves.
const LOOPED: Rx = Rx { trusted: true, gso_size: 0, unicast_frame: true, looped: true, largest_fragment: 0 };

/// True for a segment that asks for a connection.
fn opens(flags: tcp::Flags) -> bool {
    flags.contains(tcp::Flags::SYN) && !flags.contains(tcp::Flags::ACK)
}

/// The packet that a segment to ourselves would be, for those who look at packets.
fn packet_of(segment: &SegmentIn) -> (ipv4::Repr, Buf) {
    let header = ipv4::Repr {
        src: segment.src,
        dst: segment.dst,
        protocol: ipv4::PROTO_TCP,
        ttl: segment.ttl,
        tos: segment.tos,
        ident: 0,
        dont_fragment: true,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: segment.repr.header_len().saturating_add(segment.payload.len()),
    };
    let mut bytes = Vec::with_capacity(ipv4::HEADER_LEN.saturating_add(header.payload_len));
    header.emit(&mut bytes);
    segment.repr.emit(&mut bytes, segment.src, segment.dst, &[&segment.payload], ChecksumMode::Full);
    bytes.extend_from_slice(&segment.payload);
    (header, Buf::from_vec(bytes))
}

/// Whom a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// Us alone.
    Unicast,
    /// Everybody on the network, or a group.
    Group,
}

impl Layers {
    /// Takes one frame from the device.
    pub(crate) fn receive_frame(&mut self, now: Instant, frame: Buf, meta: RxMeta) {
        self.iface.now = now;
        let counters = &mut self.counters;
        counters.frames_in += 1;
        counters.bytes_in += frame.len() as u64;
        if self.iface.down {
            return;
        }
        let Ok((header, at)) = ethernet::Repr::parse(&frame) else {
            counters.frame_runt += 1;
            return;
        };
        let own = self.iface.config.mac;
        if header.src.is_multicast() || header.src == own {
            counters.frame_bad_source += 1;
            return;
        }
        let multicast = header.dst.is_multicast() && header.dst != MacAddr::BROADCAST;
        let heard = if multicast {
            self.iface.multicast.hears_frames_to(header.dst)
        } else {
            header.dst == own || header.dst == MacAddr::BROADCAST
        };
        if !heard {
            if multicast {
                counters.frame_multicast_filtered += 1;
            } else {
                counters.frame_not_for_us += 1;
            }
            return;
        }
        let unicast_frame = header.dst == own;
        let packet = frame.slice(at, frame.len());
        match header.ethertype {
            EtherType::Ipv4 => {
                let trusted = meta.checksum == RxChecksum::Trusted;
                let gso_size = meta.gso_size;
                let rx = Rx { trusted, gso_size, unicast_frame, looped: false, largest_fragment: 0 };
                self.receive_ip(now, packet, rx);
            }
            EtherType::Arp => self.receive_arp(now, &packet, unicast_frame),
            EtherType::Ipv6 | EtherType::Other(_) => counters.frame_unknown_ethertype += 1,
        }
        self.collect_counters();
    }

    /// Takes a packet from ourselves.
    pub(super) fn receive_looped(&mut self, now: Instant, looped: Looped) {
        self.counters.loopback_packets += 1;
        match looped {
            Looped::Tcp(mut segment) => {
                self.iface.looped_bytes = self.iface.looped_bytes.saturating_sub(segment.payload.len());
                self.counters.ip_in += 1;
                let opens = opens(segment.repr.flags);
                if opens || !self.raw.is_empty() {
                    let (header, packet) = packet_of(&segment);
                    self.deliver_raw(now, &header, ipv4::HEADER_LEN, &packet, &LOOPED);
                    if opens {
                        segment.head = packet;
                    }
                }
                self.tcp.on_segment(now, segment, &mut self.counters);
            }
            Looped::Packet(packet, gso_size) => {
                self.iface.looped_bytes = self.iface.looped_bytes.saturating_sub(packet.len());
                self.receive_ip(now, packet, Rx { gso_size, ..LOOPED });
            }
        }
    }

    /// RFC 826, with the caution of Linux's arp_process.
    fn receive_arp(&mut self, now: Instant, packet: &[u8], unicast_frame: bool) {
        let counters = &mut self.counters;
        counters.arp_in += 1;
        let Ok(repr) = arp::Repr::parse(packet) else {
            counters.arp_malformed += 1;
            return;
        };
        let own = self.iface.config.addr.addr;
        let probe = repr.spa.is_unspecified();
        // The hardware address of a host is not a group's, its address not a broadcast or multicast one.
        let bad_host = !probe && (repr.spa.is_loopback() || !self.iface.is_single_host(repr.spa));
        if bad_host || repr.sha.is_multicast() || repr.sha == self.iface.config.mac {
            counters.arp_bad_sender += 1;
            return;
        }
        if repr.spa == own {
            counters.arp_conflicts += 1;
            self.iface.on_conflict(now, repr.sha);
            return;
        }
        let asks_us = repr.operation == arp::Operation::Request && repr.tpa == own;
        if asks_us {
            // A probe (RFC 5227) for our address is answered like any question: that defends it.
            if self.iface.arp_out.len() < MAX_ARP_OUT {
                let reply = arp::Repr {
                    operation: arp::Operation::Reply,
                    sha: self.iface.config.mac,
                    spa: own,
                    tha: repr.sha,
                    tpa: repr.spa,
                };
                self.iface.arp_out.push_back((repr.sha, reply));
            } else {
                counters.output_dropped += 1;
            }
        }
        // Only who is on the link can be a next hop.
        if probe || !self.iface.routes.is_on_link(repr.spa) {
            return;
        }
        let claim = Claim {
            addr: repr.spa,
            mac: repr.sha,
            confirmed: repr.operation == arp::Operation::Reply && unicast_frame && repr.tpa == own,
            asks_us,
            announcement: repr.spa == repr.tpa,
        };
        if !self.iface.neighbors.learn(now, claim) {
            counters.arp_ignored += 1;
        }
    }

    fn receive_ip(&mut self, now: Instant, packet: Buf, rx: Rx) {
        let counters = &mut self.counters;
        counters.ip_in += 1;
        let (header, header_len) = match ipv4::Repr::parse(&packet) {
            Ok(parsed) => parsed,
            Err(WireError::Checksum) => {
                counters.ip_bad_checksum += 1;
                return;
            }
            Err(WireError::Truncated | WireError::Malformed) => {
                counters.ip_bad_header += 1;
                return;
            }
        };
        // What follows the packet is padding of the link.
        let mut packet = packet;
        packet.truncate(header_len.saturating_add(header.payload_len));

        if !rx.looped {
            // A bridge that asks for members may have no address (RFC 4541 section 2.1.1; ip_mc_validate_source).
            let nameless = header.src.is_unspecified()
                && header.dst.is_multicast()
                && (header.protocol == ipv4::PROTO_IGMP || header.dst.octets().starts_with(&[224, 0, 0]));
            if !nameless && self.iface.is_martian_source(header.src) {
                counters.ip_martian_source += 1;
                return;
            }
            if header.dst.is_loopback() || header.dst.octets().first() == Some(&0) {
                counters.ip_martian_destination += 1;
                return;
            }
        }
        let destination = if self.iface.is_local(header.dst) {
            Destination::Unicast
        } else if self.iface.is_broadcast(header.dst) || self.iface.hears_group(&header) {
            Destination::Group
        } else {
            counters.ip_not_for_us += 1;
            return;
        };
        // RFC 1122 section 3.3.6: "A host SHOULD silently discard a datagram that is received via a link-layer
        // broadcast [...] but does not specify an IP multicast or broadcast destination address."
        if destination == Destination::Unicast && !rx.unicast_frame {
            counters.ip_unicast_in_broadcast += 1;
            return;
        }
        if !header.is_fragment() {
            self.deliver(now, &header, header_len, packet, &rx, destination);
            return;
        }
        counters.ip_fragments_in += 1;
        match self.iface.reassembly.insert(now, &header, header_len, &packet) {
            Outcome::Waiting => {}
            Outcome::Complete(whole, largest_fragment) => {
                self.counters.ip_reassembled += 1;
                if let Ok((header, header_len)) = ipv4::Repr::parse(&whole) {
                    // The sum is over the whole, which nobody has seen before.
                    let rx = Rx { trusted: false, gso_size: 0, largest_fragment, ..rx };
                    self.deliver(now, &header, header_len, whole, &rx, destination);
                }
            }
            Outcome::Duplicate => counters.ip_reassembly_duplicate += 1,
            Outcome::Malformed => counters.ip_reassembly_malformed += 1,
            Outcome::Overlap => counters.ip_reassembly_overlap += 1,
        }
    }

    fn deliver(
        &mut self,
        now: Instant,
        header: &ipv4::Repr,
        header_len: usize,
        packet: Buf,
        rx: &Rx,
        destination: Destination,
    ) {
        let raw = !self.raw.is_empty() && self.deliver_raw(now, header, header_len, &packet, rx);
        match header.protocol {
            ipv4::PROTO_TCP => self.deliver_tcp(now, header, header_len, &packet, rx, destination),
            ipv4::PROTO_UDP => self.deliver_udp(now, header, header_len, &packet, rx, destination),
            ipv4::PROTO_ICMP => self.on_icmp(now, header, header_len, &packet, rx, destination),
            ipv4::PROTO_IGMP => {
                self.counters.igmp_in += 1;
                let message = packet.get(header_len..).unwrap_or(&[]);
                let to_group = destination == Destination::Group;
                if !self.iface.multicast.igmp.receive(now, message, to_group) {
                    self.counters.igmp_malformed += 1;
                }
            }
            _ if raw => {}
            _ => {
                self.counters.ip_unknown_protocol += 1;
                let complaint = Complaint::ProtocolUnreachable;
                self.iface.send_icmp_error(now, header, &packet, complaint, &mut self.counters);
            }
        }
    }

    fn deliver_tcp(
        &mut self,
        now: Instant,
        header: &ipv4::Repr,
        header_len: usize,
        packet: &Buf,
        rx: &Rx,
        destination: Destination,
    ) {
        // RFC 9293 section 3.9.2.3: segments to a broadcast or multicast address are silently discarded.
        if destination != Destination::Unicast {
            self.counters.ip_not_for_us += 1;
            return;
        }
        let segment = packet.slice(header_len, packet.len());
        match tcp::Repr::parse(&segment, header.src, header.dst, !rx.trusted) {
            Ok((repr, tcp_header_len)) => {
                let payload = segment.slice(tcp_header_len, segment.len());
                let (src, dst, tos) = (header.src, header.dst, header.tos);
                let head = if opens(repr.flags) {
                    packet.slice(0, header_len.saturating_add(tcp_header_len))
                } else {
                    Buf::default()
                };
                let ttl = header.ttl;
                let segment = SegmentIn { src, dst, tos, ttl, head, repr, payload, gso_size: rx.gso_size };
                self.tcp.on_segment(now, segment, &mut self.counters);
            }
            Err(WireError::Checksum) => self.counters.tcp_bad_checksum += 1,
            Err(WireError::Truncated | WireError::Malformed) => self.counters.tcp_malformed += 1,
        }
    }

    fn deliver_udp(
        &mut self,
        now: Instant,
        header: &ipv4::Repr,
        header_len: usize,
        packet: &Buf,
        rx: &Rx,
        destination: Destination,
    ) {
        let datagram = packet.slice(header_len, packet.len());
        let (repr, range) = match udp::Repr::parse(&datagram, header.src, header.dst, !rx.trusted) {
            Ok(parsed) => parsed,
            Err(WireError::Checksum) => {
                self.counters.udp_bad_checksum += 1;
                return;
            }
            Err(WireError::Truncated | WireError::Malformed) => {
                self.counters.udp_malformed += 1;
                return;
            }
        };
        let payload = datagram.slice(range.start, range.end);
        let mut arrival = Arrival::new(header, repr.src_port, repr.dst_port, now);
        arrival.largest_fragment = rx.largest_fragment;
        if destination == Destination::Group {
            if !self.udp.deliver_to_all(
                &arrival,
                &payload,
                rx.gso_size,
                &self.iface.multicast,
                &mut self.counters,
            ) {
                self.counters.udp_no_port += 1;
            }
            return;
        }
        let Some(socket) = self.udp.lookup(arrival.to, arrival.from) else {
            self.counters.udp_no_port += 1;
            let complaint = Complaint::PortUnreachable;
            self.iface.send_icmp_error(now, header, packet, complaint, &mut self.counters);
            return;
        };
        self.udp.deliver(socket, &arrival, payload, rx.gso_size, &mut self.counters);
    }
}

impl Iface {
    /// True for packets to a group that somebody here wants to hear from their source.
    fn hears_group(&self, header: &ipv4::Repr) -> bool {
        let group = header.dst;
        group.is_multicast()
            && if header.protocol == ipv4::PROTO_IGMP {
                self.multicast.is_member(group)
            } else {
                self.multicast.hears(group, header.src)
            }
    }

    /// True for sources that no packet on the wire can have (RFC 1122 section 3.2.1.3): no single host, 127/8, or
    /// ourselves.
    fn is_martian_source(&self, src: Ipv4Addr) -> bool {
        src.is_loopback() || src == self.config.addr.addr || !self.is_single_host(src)
    }
}
