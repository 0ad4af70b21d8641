//! A host under test, in virtual time, and hand-built frames of its one neighbour.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use matnet_stack::wire::{ChecksumMode, arp, checksum, ethernet, icmpv4, ipv4, udp};
use matnet_stack::{
    Buf, Capabilities, Config, Duration, Full, Instant, Ipv4Cidr, Kind, MacAddr, RxChecksum, RxMeta, Sink,
    SocketId, Stack, Transmit, TxMeta,
};

pub const OWN_MAC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x02]);
pub const PEER_MAC: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x01]);
pub const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
/// The neighbour, also the default router.
pub const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub const FAR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
pub const NET_BROADCAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 255);

pub fn config() -> Config {
    Config {
        mac: OWN_MAC,
        addr: Ipv4Cidr { addr: OWN, prefix: 24 },
        gateway: Some(PEER),
        mtu: 1500,
        capabilities: Capabilities::default(),
        congestion: Default::default(),
        ecn: Default::default(),
        loopback: false,
    }
}

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn addr(ip: Ipv4Addr, port: u16) -> SocketAddr {
    SocketAddr::V4(SocketAddrV4::new(ip, port))
}

/// A frame that the host sent.
#[derive(Clone, Debug)]
pub struct Frame {
    pub bytes: Vec<u8>,
    pub meta: TxMeta,
}

impl Frame {
    pub fn ethernet(&self) -> ethernet::Repr {
        ethernet::Repr::parse(&self.bytes).unwrap().0
    }

    pub fn arp(&self) -> Option<arp::Repr> {
        let (header, at) = ethernet::Repr::parse(&self.bytes).unwrap();
        (header.ethertype == ethernet::EtherType::Arp).then(|| arp::Repr::parse(&self.bytes[at..]).unwrap())
    }

    /// IPv4 header and payload.
    pub fn ip(&self) -> (ipv4::Repr, &[u8]) {
        let (header, at) = ethernet::Repr::parse(&self.bytes).unwrap();
        assert_eq!(header.ethertype, ethernet::EtherType::Ipv4, "{self:?}");
        let packet = &self.bytes[at..];
        let (repr, len) = ipv4::Repr::parse(packet).unwrap();
        assert_eq!(packet.len(), len + repr.payload_len);
        (repr, &packet[len..])
    }

    /// UDP header and payload, the checksum verified when it is complete.
    pub fn udp(&self) -> (udp::Repr, &[u8]) {
        let (ip, payload) = self.ip();
        assert_eq!(ip.protocol, ipv4::PROTO_UDP);
        let verify = self.meta.checksum.is_none();
        let (repr, range) = udp::Repr::parse(payload, ip.src, ip.dst, verify).unwrap();
        (repr, &payload[range])
    }

    pub fn icmp(&self) -> icmpv4::Repr<'_> {
        let (ip, payload) = self.ip();
        assert_eq!(ip.protocol, ipv4::PROTO_ICMP);
        icmpv4::Repr::parse(payload, true).unwrap()
    }
}

/// What the host sends into.
#[derive(Default)]
pub struct Wire {
    pub frames: Vec<Frame>,
    /// Frames that the device still takes.
    pub room: Option<usize>,
}

impl Sink for Wire {
    fn transmit(&mut self, frame: &Transmit<'_>) -> Result<(), Full> {
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).ok_or(Full)?;
        }
        let mut bytes = frame.header.to_vec();
        for slice in frame.payload {
            bytes.extend_from_slice(slice);
        }
        self.frames.push(Frame { bytes, meta: frame.meta });
        Ok(())
    }
}

pub struct Host {
    pub stack: Stack,
    pub now: Instant,
    pub wire: Wire,
}

impl Host {
    pub fn with(config: Config) -> Host {
        let now = Instant::from_micros(1_000_000);
        Host { stack: Stack::new(config, now, [7; 32]), now, wire: Wire::default() }
    }

    /// A host that has announced itself and knows its neighbour.
    pub fn new() -> Host {
        Host::started(config())
    }

    pub fn started(config: Config) -> Host {
        let mut host = Host::with(config);
        host.feed(arp_request(PEER_MAC, PEER, OWN));
        host
    }

    /// All frames that may leave now.
    pub fn transmit(&mut self) -> Vec<Frame> {
        self.stack.poll_transmit(self.now, &mut self.wire);
        std::mem::take(&mut self.wire.frames)
    }

    pub fn feed_meta(&mut self, frame: Vec<u8>, meta: RxMeta) -> Vec<Frame> {
        self.stack.on_frame(self.now, Buf::from_vec(frame), meta);
        self.transmit()
    }

    /// Gives a frame to the host and collects the answers.
    pub fn feed(&mut self, frame: Vec<u8>) -> Vec<Frame> {
        self.feed_meta(frame, RxMeta::default())
    }

    /// Lets time pass, timers included, and collects what is sent meanwhile.
    pub fn advance(&mut self, by: Duration) -> Vec<Frame> {
        let end = self.now + by;
        let mut frames = Vec::new();
        while let Some(at) = self.stack.poll_timeout() {
            if at > end {
                break;
            }
            self.now = self.now.max(at);
            self.stack.on_timeout(self.now);
            frames.extend(self.transmit());
        }
        self.now = end;
        frames.extend(self.transmit());
        frames
    }

    pub fn udp(&mut self, port: u16) -> SocketId {
        let id = self.stack.open(Kind::Udp).unwrap();
        self.stack.bind(self.now, id, addr(Ipv4Addr::UNSPECIFIED, port)).unwrap();
        id
    }

    pub fn connected_udp(&mut self, port: u16, remote: SocketAddr) -> SocketId {
        let id = self.udp(port);
        self.stack.connect(self.now, id, remote).unwrap();
        id
    }

    pub fn send_to(&mut self, id: SocketId, to: SocketAddr, data: &[u8]) -> matnet_stack::Result<usize> {
        self.stack.send_to(self.now, id, Some(to), &[data])
    }

    /// The next datagram and its sender.
    pub fn recv(&mut self, id: SocketId) -> matnet_stack::Result<(Vec<u8>, SocketAddr)> {
        let mut buf = vec![0; 65_536];
        let meta = self.stack.recv_from(id, &mut buf, false)?;
        buf.truncate(meta.len);
        Ok((buf, meta.from))
    }

    pub fn count(&self, name: &str) -> u64 {
        let mut found = None;
        self.stack.counters().for_each(|n, value, _| {
            if n == name {
                found = Some(value);
            }
        });
        found.unwrap_or_else(|| panic!("no counter {name}"))
    }
}

pub const TRUSTED: RxMeta = RxMeta { checksum: RxChecksum::Trusted, gso_size: 0 };

pub fn frame(dst: MacAddr, src: MacAddr, ethertype: ethernet::EtherType, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ethernet::Repr { src, dst, ethertype }.emit(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

pub fn arp(to: MacAddr, repr: arp::Repr) -> Vec<u8> {
    let mut bytes = Vec::new();
    repr.emit(&mut bytes);
    frame(to, repr.sha, ethernet::EtherType::Arp, &bytes)
}

/// A broadcast request.
pub fn arp_request(sha: MacAddr, spa: Ipv4Addr, tpa: Ipv4Addr) -> Vec<u8> {
    let operation = arp::Operation::Request;
    arp(MacAddr::BROADCAST, arp::Repr { operation, sha, spa, tha: MacAddr::default(), tpa })
}

/// A reply to us.
pub fn arp_reply(sha: MacAddr, spa: Ipv4Addr) -> Vec<u8> {
    let operation = arp::Operation::Reply;
    arp(OWN_MAC, arp::Repr { operation, sha, spa, tha: OWN_MAC, tpa: OWN })
}

pub fn ip_repr(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, payload_len: usize) -> ipv4::Repr {
    ipv4::Repr {
        src,
        dst,
        protocol,
        ttl: 61,
        tos: 0,
        ident: 99,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_len,
    }
}

pub fn packet(repr: ipv4::Repr, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    repr.emit(&mut bytes);
    bytes.extend_from_slice(payload);
    bytes
}

/// A frame from the neighbour to us.
pub fn ip_frame(repr: ipv4::Repr, payload: &[u8]) -> Vec<u8> {
    frame(OWN_MAC, PEER_MAC, ethernet::EtherType::Ipv4, &packet(repr, payload))
}

pub fn udp_datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (from.ip(), to.ip()) else { panic!() };
    let mut bytes = Vec::new();
    let repr = udp::Repr { src_port: from.port(), dst_port: to.port() };
    repr.emit(&mut bytes, src, dst, &[payload], ChecksumMode::Full);
    bytes.extend_from_slice(payload);
    bytes
}

pub fn udp_packet(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(src), IpAddr::V4(dst)) = (from.ip(), to.ip()) else { panic!() };
    let datagram = udp_datagram(from, to, payload);
    packet(ip_repr(src, dst, ipv4::PROTO_UDP, datagram.len()), &datagram)
}

/// A UDP frame from the neighbour to us.
pub fn udp_frame(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    frame(OWN_MAC, PEER_MAC, ethernet::EtherType::Ipv4, &udp_packet(from, to, payload))
}

/// An ICMP frame from `src` through the neighbour to us.
pub fn icmp_frame(src: Ipv4Addr, repr: &icmpv4::Repr<'_>) -> Vec<u8> {
    let mut message = Vec::new();
    repr.emit(&mut message);
    ip_frame(ip_repr(src, OWN, ipv4::PROTO_ICMP, message.len()), &message)
}

/// The fragments of an IP payload, each of at most `room` bytes.
pub fn fragments(repr: ipv4::Repr, payload: &[u8], room: usize) -> Vec<Vec<u8>> {
    let chunk = room & !7;
    let count = payload.len().div_ceil(chunk);
    let pieces = payload.chunks(chunk).enumerate().map(|(n, piece)| {
        let repr = ipv4::Repr {
            more_fragments: n + 1 < count,
            fragment_offset: (n * chunk) as u16,
            payload_len: piece.len(),
            ..repr
        };
        ip_frame(repr, piece)
    });
    pieces.collect()
}

/// Bytes that differ from their neighbours.
pub fn body(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n ^ n >> 8 ^ 0x5a) as u8).collect()
}

/// Puts the fragments of one datagram that the host sent together; checks that they tile it.
pub fn reassemble(frames: &[Frame], mtu: usize) -> (ipv4::Repr, Vec<u8>) {
    let mut whole = Vec::new();
    for (n, frame) in frames.iter().enumerate() {
        let (repr, payload) = frame.ip();
        assert!(payload.len() + 20 <= mtu);
        assert_eq!(repr.fragment_offset as usize, whole.len());
        assert_eq!(repr.more_fragments, n + 1 < frames.len());
        assert_eq!(repr.ident, frames[0].ip().0.ident);
        assert!(!repr.dont_fragment && frame.meta == TxMeta::default());
        whole.extend_from_slice(payload);
    }
    (frames[0].ip().0, whole)
}

/// True when the checksum of a whole layer-4 datagram is right.
pub fn sums(repr: &ipv4::Repr, payload: &[u8]) -> bool {
    let pseudo = checksum::pseudo_header_v4(repr.src, repr.dst, repr.protocol, payload.len() as u16);
    checksum::fold(checksum::combine(pseudo, checksum::sum(payload))) == 0xffff
}
