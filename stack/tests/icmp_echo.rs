//! RFC 1122 section 3.2.2.6: echo requests are answered with the same data, whatever their size.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::MacAddr;
use matnet_stack::wire::icmpv4::Repr;
use matnet_stack::wire::{ethernet::EtherType, ipv4};
use std::net::Ipv4Addr;

#[test]
fn an_echo_request_is_answered() {
    let mut host = Host::new();
    let data = body(56);
    let frames = host.feed(icmp_frame(FAR, &Repr::EchoRequest { ident: 7, seq: 3, data: &data }));
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].icmp(), Repr::EchoReply { ident: 7, seq: 3, data: &data });
    let (ip, _) = frames[0].ip();
    assert_eq!((ip.src, ip.dst, ip.ttl, ip.dont_fragment), (OWN, FAR, 64, false));
}

#[test]
fn a_large_echo_comes_in_fragments_and_goes_in_fragments() {
    let mut host = Host::new();
    let data = body(65_507);
    let mut message = Vec::new();
    Repr::EchoRequest { ident: 7, seq: 3, data: &data }.emit(&mut message);
    let mut frames = Vec::new();
    for piece in fragments(ip_repr(PEER, OWN, ipv4::PROTO_ICMP, 0), &message, 1480) {
        assert!(frames.is_empty());
        frames = host.feed(piece);
    }
    let (_, reply) = reassemble(&frames, 1500);
    assert_eq!(Repr::parse(&reply, true), Ok(Repr::EchoReply { ident: 7, seq: 3, data: &data }));
}

#[test]
fn a_broken_request_gets_no_answer() {
    let mut host = Host::new();
    let mut bytes = icmp_frame(PEER, &Repr::EchoRequest { ident: 7, seq: 3, data: b"abc" });
    *bytes.last_mut().unwrap() ^= 1;
    assert!(host.feed(bytes.clone()).is_empty());
    assert_eq!(host.count("icmp_bad_checksum"), 1);
    assert_eq!(host.feed_meta(bytes, TRUSTED).len(), 1, "the device vouched for it");
    host.feed(ip_frame(ip_repr(PEER, OWN, ipv4::PROTO_ICMP, 3), &[8, 0, 0]));
    assert_eq!(host.count("icmp_malformed"), 1);
}

#[test]
fn broadcast_pings_are_not_answered() {
    let mut host = Host::new();
    let mut message = Vec::new();
    Repr::EchoRequest { ident: 7, seq: 3, data: b"abc" }.emit(&mut message);
    for (mac, dst) in [
        (MacAddr::BROADCAST, NET_BROADCAST),
        (MacAddr::BROADCAST, Ipv4Addr::BROADCAST),
        (MacAddr([1, 0, 0x5e, 0, 0, 1]), Ipv4Addr::new(224, 0, 0, 1)),
    ] {
        let packet = packet(ip_repr(PEER, dst, ipv4::PROTO_ICMP, message.len()), &message);
        assert!(host.feed(frame(mac, PEER_MAC, EtherType::Ipv4, &packet)).is_empty());
    }
    assert_eq!(host.count("icmp_broadcast_ignored"), 3);
}

#[test]
fn a_flood_of_pings_is_answered_in_bounded_memory() {
    let mut host = Host::new();
    let ping = icmp_frame(PEER, &Repr::EchoRequest { ident: 7, seq: 3, data: &body(1400) });
    host.wire.room = Some(0);
    for _ in 0..5000 {
        host.feed(ping.clone());
    }
    host.wire.room = None;
    let answers = host.transmit().len();
    assert!((500..=1024).contains(&answers), "{answers}");
    assert_eq!(host.count("output_dropped"), 5000 - answers as u64);
}
