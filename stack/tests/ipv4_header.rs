//! RFC 1122 section 3.2.1: impossible addresses and bad headers are dropped, padding and options are not in the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::{checksum, ethernet::EtherType, ipv4};
use std::net::Ipv4Addr;

#[test]
fn impossible_addresses_are_dropped() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let sources = [
        Ipv4Addr::BROADCAST,
        NET_BROADCAST,
        Ipv4Addr::LOCALHOST,
        OWN,
        Ipv4Addr::new(224, 0, 0, 1),
        Ipv4Addr::UNSPECIFIED,
    ];
    for src in sources {
        host.feed(udp_frame(addr(src, 9), addr(OWN, 5000), b"x"));
    }
    assert_eq!(host.count("ip_martian_source"), sources.len() as u64);
    for dst in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
        host.feed(udp_frame(addr(PEER, 9), addr(dst, 5000), b"x"));
    }
    assert_eq!(host.count("ip_martian_destination"), 2);
    for dst in [Ipv4Addr::new(10, 0, 0, 3), FAR, Ipv4Addr::new(224, 0, 0, 251)] {
        assert!(host.feed(udp_frame(addr(PEER, 9), addr(dst, 5000), b"x")).is_empty());
    }
    assert_eq!(host.count("ip_not_for_us"), 3);
    assert!(host.recv(id).is_err());
}

#[test]
fn a_wrong_header_checksum_is_dropped() {
    let mut host = Host::new();
    let mut bytes = udp_frame(addr(PEER, 9), addr(OWN, 5000), b"x");
    bytes[14 + 8] ^= 1;
    assert!(host.feed(bytes).is_empty());
    assert_eq!(host.count("ip_bad_checksum"), 1);
}

#[test]
fn padding_is_cut_and_options_are_skipped() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let mut padded = udp_frame(addr(PEER, 9), addr(OWN, 5000), b"abc");
    padded.extend([0xee; 20]);
    host.feed(padded);
    assert_eq!(host.recv(id).unwrap().0, b"abc");

    let datagram = udp_datagram(addr(PEER, 9), addr(OWN, 5000), b"options");
    let mut packet = packet(ip_repr(PEER, OWN, ipv4::PROTO_UDP, datagram.len() + 8), &[]);
    packet[0] = 0x47;
    packet.extend([1, 1, 1, 1, 1, 1, 1, 0]);
    packet[10] = 0;
    packet[11] = 0;
    let sum = checksum::checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(datagram);
    host.feed(frame(OWN_MAC, PEER_MAC, EtherType::Ipv4, &packet));
    assert_eq!(host.recv(id).unwrap().0, b"options");
}

/// RFC 6864 sections 4.1 and 5.1: what is not fragmented may have any identification, but a device that cuts a TSO frame numbers the
/// segments from the frame's on, so the next packet to that host begins behind them.
#[test]
fn segments_that_a_device_cuts_have_numbers_of_their_own() {
    use matnet_stack::wire::tcp::{Flags, Options, Repr};
    use matnet_stack::wire::{ChecksumMode, SeqNumber};
    let mut config = config();
    config.capabilities = matnet_stack::Capabilities { tx_checksum: true, tso: true, uso: true };
    let mut host = Host::started(config);
    let id = host.stack.open(matnet_stack::Kind::Tcp).unwrap();
    assert!(host.stack.connect(host.now, id, addr(PEER, 80)).is_err());
    let frames = host.transmit();
    let (ip, payload) = frames[0].ip();
    let syn = Repr::parse(payload, ip.src, ip.dst, false).unwrap().0;
    let answer = Repr {
        src_port: 80,
        dst_port: syn.src_port,
        seq: SeqNumber(1000),
        ack: syn.seq + 1usize,
        flags: Flags::SYN | Flags::ACK,
        window: 60_000,
        urgent: 0,
        options: Options { mss: Some(1000), ..Options::default() },
    };
    let mut segment = Vec::new();
    answer.emit(&mut segment, PEER, OWN, &[], ChecksumMode::Full);
    let ack = host.feed(ip_frame(ip_repr(PEER, OWN, ipv4::PROTO_TCP, segment.len()), &segment));
    host.stack.send(host.now, id, &body(5000), false).unwrap();
    let whole = host.transmit();
    host.stack.send(host.now, id, &body(500), false).unwrap();
    let next = host.transmit();
    assert_eq!(whole[0].meta.gso.unwrap().size, 1000);
    let idents: Vec<u16> = [&ack, &whole, &next].map(|f| f[0].ip().0.ident).to_vec();
    let steps: Vec<u16> = idents.windows(2).map(|w| w[1].wrapping_sub(w[0])).collect();
    assert_eq!(steps, [1, 5]);
    assert!(whole[0].ip().0.dont_fragment);
}
