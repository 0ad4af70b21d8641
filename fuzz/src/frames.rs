//! Frames in both directions: building those that the network sends to the stack, and judging those that the
//! stack sends.

use std::net::Ipv4Addr;

use etherparse as ep;
use matnet_stack::wire::{ChecksumMode, arp, checksum, ethernet, icmpv4, ipv4, tcp, udp};
use matnet_stack::{MacAddr, Transmit, TxMeta};

pub const OUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
pub const OUR_ADDR: Ipv4Addr = Ipv4Addr::new(10, 88, 45, 2);

/// A host that the stack talks to.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub addr: Ipv4Addr,
    /// What its frames come from: its own, or the gateway's.
    pub mac: MacAddr,
}

pub const GATEWAY: Peer = Peer { addr: Ipv4Addr::new(10, 88, 45, 1), mac: MacAddr([2, 0, 0, 0, 0, 1]) };
/// The gateway, a neighbour, and a host behind the gateway.
pub const PEERS: [Peer; 3] = [
    GATEWAY,
    Peer { addr: Ipv4Addr::new(10, 88, 45, 7), mac: MacAddr([2, 0, 0, 0, 0, 7]) },
    Peer { addr: Ipv4Addr::new(192, 0, 2, 9), mac: GATEWAY.mac },
];

pub fn eth(src: MacAddr, dst: MacAddr, ethertype: ethernet::EtherType) -> Vec<u8> {
    let mut frame = Vec::new();
    ethernet::Repr { src, dst, ethertype }.emit(&mut frame);
    frame
}

pub fn ip_header(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8) -> ipv4::Repr {
    ipv4::Repr {
        src,
        dst,
        protocol,
        ttl: 64,
        tos: 0,
        ident: 0,
        dont_fragment: false,
        more_fragments: false,
        fragment_offset: 0,
        payload_len: 0,
    }
}

/// A frame from `peer` that carries an IPv4 packet.
pub fn ip(peer: Peer, header: ipv4::Repr, payload: &[u8]) -> Vec<u8> {
    let mut frame = eth(peer.mac, OUR_MAC, ethernet::EtherType::Ipv4);
    ipv4::Repr { payload_len: payload.len(), ..header }.emit(&mut frame);
    frame.extend_from_slice(payload);
    frame
}

pub fn segment(repr: &tcp::Repr, src: Ipv4Addr, dst: Ipv4Addr, data: &[u8], mode: ChecksumMode) -> Vec<u8> {
    let mut segment = Vec::new();
    repr.emit(&mut segment, src, dst, &[data], mode);
    segment.extend_from_slice(data);
    segment
}

pub fn datagram(repr: &udp::Repr, src: Ipv4Addr, dst: Ipv4Addr, data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::new();
    repr.emit(&mut datagram, src, dst, &[data], ChecksumMode::Full);
    datagram.extend_from_slice(data);
    datagram
}

pub fn arp(repr: &arp::Repr, dst: MacAddr) -> Vec<u8> {
    let mut frame = eth(repr.sha, dst, ethernet::EtherType::Arp);
    repr.emit(&mut frame);
    frame.resize(60, 0);
    frame
}

/// A frame that the stack sent, taken apart.
#[derive(Debug)]
pub enum Sent {
    Arp(arp::Repr),
    Tcp { dst: Ipv4Addr, repr: tcp::Repr, payload: Vec<u8> },
    Udp { dst: Ipv4Addr, repr: udp::Repr, payload: Vec<u8> },
    Icmp { dst: Ipv4Addr, message: Vec<u8> },
    Fragment,
    /// IGMP, or from a raw socket.
    Other,
}

/// Takes a sent frame apart and panics when anything about it is wrong.
pub fn judge(frame: &Transmit<'_>, mtu: u16) -> (Vec<u8>, Sent) {
    let mut bytes = frame.header.to_vec();
    for slice in frame.payload {
        bytes.extend_from_slice(slice);
    }
    assert_eq!(bytes.len(), frame.len());
    let (link, at) = ethernet::Repr::parse(&bytes).expect("our frame has an Ethernet header");
    assert_eq!(link.src, OUR_MAC);
    assert_ne!(link.dst, OUR_MAC, "a frame to ourselves left for the device");
    let sent = match link.ethertype {
        ethernet::EtherType::Arp => {
            let repr = arp::Repr::parse(&bytes[at..]).expect("our ARP parses");
            assert_eq!(repr.sha, OUR_MAC);
            assert!(repr.spa == OUR_ADDR || repr.spa.is_unspecified());
            assert_eq!(frame.meta, TxMeta::default());
            Sent::Arp(repr)
        }
        ethernet::EtherType::Ipv4 => judge_ip(&bytes, at, frame.meta, mtu),
        other => panic!("a frame of type {other:?}"),
    };
    (bytes, sent)
}

fn judge_ip(bytes: &[u8], at: usize, meta: TxMeta, mtu: u16) -> Sent {
    let packet = &bytes[at..];
    let (ip, header_len) = ipv4::Repr::parse(packet).expect("our IPv4 header parses");
    // IGMP has Router Alert.
    let options = if ip.protocol == ipv4::PROTO_IGMP { 4 } else { 0 };
    assert_eq!(header_len, ipv4::HEADER_LEN + options);
    assert_eq!(header_len + ip.payload_len, packet.len(), "no padding, nothing missing");
    assert_eq!(ip.src, OUR_ADDR);
    assert_ne!(ip.dst, OUR_ADDR, "a packet to ourselves left for the device");
    assert!(!ip.dst.is_loopback() && !ip.dst.is_unspecified(), "sent to {}", ip.dst);
    assert_ne!(ip.ttl, 0);
    let theirs = ep::SlicedPacket::from_ethernet(bytes).expect("etherparse reads our frame");
    let Some(ep::NetSlice::Ipv4(theirs_ip)) = &theirs.net else { panic!("etherparse sees no IPv4") };
    let theirs_header = theirs_ip.header().to_header();
    assert_eq!(theirs_header.header_checksum, theirs_header.calc_header_checksum());
    let l4 = &packet[header_len..];
    match meta.gso {
        None => assert!(packet.len() <= usize::from(mtu), "{} bytes over an MTU of {mtu}", packet.len()),
        Some(gso) => {
            assert!(meta.checksum.is_some(), "segmentation needs the checksum left to the device");
            assert!(!ip.is_fragment());
            let headers = at + header_len + l4_header_len(ip.protocol, l4);
            assert_eq!(usize::from(gso.header_len), headers);
            assert!(gso.size > 0 && gso.size != u16::MAX);
            assert!(bytes.len() - headers > usize::from(gso.size), "one segment is no super-segment");
            let segment = headers - at + usize::from(gso.size);
            assert!(segment <= usize::from(mtu), "segments of {segment} bytes over an MTU of {mtu}");
        }
    }
    if ip.is_fragment() {
        assert_eq!(meta, TxMeta::default());
        assert!(!ip.dont_fragment);
        assert!(!ip.more_fragments || ip.payload_len % 8 == 0);
        return Sent::Fragment;
    }
    // With a partial checksum the field is that of the pseudo header; completing it must make it right.
    let l4 = match meta.checksum {
        None => l4.to_vec(),
        Some(left) => {
            assert_eq!(usize::from(left.start), at + header_len);
            let offset = usize::from(left.offset);
            assert_eq!(offset, if ip.protocol == ipv4::PROTO_TCP { 16 } else { 6 });
            let pseudo = checksum::pseudo_header_v4(ip.src, ip.dst, ip.protocol, ip.payload_len as u16);
            assert_eq!(l4[offset..offset + 2], checksum::fold(pseudo).to_be_bytes());
            let mut completed = l4.to_vec();
            let sum = match checksum::checksum(&completed) {
                0 => 0xffff,
                sum => sum,
            };
            completed[offset..offset + 2].copy_from_slice(&sum.to_be_bytes());
            completed
        }
    };
    match ip.protocol {
        ipv4::PROTO_TCP => {
            let (repr, from) = tcp::Repr::parse(&l4, ip.src, ip.dst, true).expect("our TCP parses");
            let (header, payload) = ep::TcpHeader::from_slice(&l4).expect("etherparse reads our TCP");
            assert_eq!(&l4[from..], payload);
            let sum = header.calc_checksum_ipv4_raw(ip.src.octets(), ip.dst.octets(), payload);
            assert_eq!(sum.expect("short enough") % 0xffff, header.checksum % 0xffff);
            assert_eq!(header.sequence_number, repr.seq.0);
            let unreadable = header.options_iterator().filter(Result::is_err).count();
            assert_eq!(unreadable, 0, "options that etherparse cannot read");
            Sent::Tcp { dst: ip.dst, repr, payload: payload.to_vec() }
        }
        ipv4::PROTO_UDP => {
            let (repr, range) = udp::Repr::parse(&l4, ip.src, ip.dst, true).expect("our UDP parses");
            assert_eq!(range.end, l4.len());
            let header = ep::UdpSlice::from_slice(&l4).expect("etherparse reads our UDP").to_header();
            let sum = header.calc_checksum_ipv4_raw(ip.src.octets(), ip.dst.octets(), &l4[range.clone()]);
            assert_eq!(sum.expect("short enough"), header.checksum);
            Sent::Udp { dst: ip.dst, repr, payload: l4[range].to_vec() }
        }
        ipv4::PROTO_ICMP => {
            assert_eq!(meta, TxMeta::default());
            icmpv4::Repr::parse(&l4, true).expect("our ICMP parses");
            Sent::Icmp { dst: ip.dst, message: l4 }
        }
        ipv4::PROTO_IGMP => {
            assert_eq!((checksum::checksum(&l4), ip.ttl), (0, 1));
            assert!(ip.dst.is_multicast() && l4.len() >= 8);
            Sent::Other
        }
        RAW_PROTOCOL => Sent::Other,
        other => panic!("a packet of protocol {other}"),
    }
}

/// What the program sends from a raw socket.
pub const RAW_PROTOCOL: u8 = 89;

fn l4_header_len(protocol: u8, l4: &[u8]) -> usize {
    match protocol {
        ipv4::PROTO_TCP => tcp::Packet::new_checked(l4).expect("our TCP header is whole").header_len(),
        _ => udp::HEADER_LEN,
    }
}

/// One line about a frame, for people.
pub fn describe(frame: &[u8]) -> String {
    let Ok((link, at)) = ethernet::Repr::parse(frame) else { return format!("{} bytes", frame.len()) };
    let rest = &frame[at..];
    if let (ethernet::EtherType::Arp, Ok(repr)) = (link.ethertype, arp::Repr::parse(rest)) {
        return format!("{repr:?}");
    }
    let Ok((ip, header_len)) = ipv4::Repr::parse(rest) else {
        return format!("{link:?}, {} bytes", rest.len());
    };
    let l4 = &rest[header_len..header_len + ip.payload_len];
    let inner = match ip.protocol {
        ipv4::PROTO_TCP if !ip.is_fragment() => {
            tcp::Repr::parse(l4, ip.src, ip.dst, false).map(|(tcp, from)| {
                let (seq, len) = (tcp.seq, l4.len() - from);
                let tcp::Repr { src_port, dst_port, ack, flags, window, options, .. } = tcp;
                format!("{src_port}>{dst_port} {flags:?} {seq}+{len} ack {ack} win {window} {options:?}")
            })
        }
        ipv4::PROTO_ICMP if !ip.is_fragment() => {
            icmpv4::Repr::parse(l4, false).map(|repr| format!("{repr:?}").chars().take(100).collect())
        }
        protocol => Ok(format!("protocol {protocol} at {} of {} bytes", ip.fragment_offset, ip.payload_len)),
    };
    format!("{}>{} {}", ip.src, ip.dst, inner.unwrap_or_else(|error| error.to_string()))
}
