//! Frames for others, of unknown kinds and too short ones are dropped, each with its counter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::MacAddr;
use matnet_stack::wire::ethernet::EtherType;

#[test]
fn only_frames_for_us_are_taken() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let packet = udp_packet(addr(PEER, 9), addr(OWN, 5000), b"x");
    let to = |dst| frame(dst, PEER_MAC, EtherType::Ipv4, &packet);
    host.feed(to(MacAddr([2, 0, 0, 0, 0, 9])));
    assert_eq!(host.count("frame_not_for_us"), 1);
    host.feed(to(MacAddr([1, 0, 0x5e, 0, 0, 0xfb])));
    assert_eq!(host.count("frame_multicast_filtered"), 1);
    // RFC 1122 section 3.3.6.
    host.feed(to(MacAddr::BROADCAST));
    assert_eq!(host.count("ip_unicast_in_broadcast"), 1);
    assert!(host.recv(id).is_err());
    host.feed(to(OWN_MAC));
    assert!(host.recv(id).is_ok());
}

#[test]
fn short_and_strange_frames_are_counted() {
    let mut host = Host::new();
    host.feed(vec![]);
    host.feed(vec![0; 13]);
    assert_eq!(host.count("frame_runt"), 2);
    host.feed(frame(OWN_MAC, PEER_MAC, EtherType::Ipv6, &[0; 40]));
    host.feed(frame(OWN_MAC, PEER_MAC, EtherType::Other(0x88cc), &[0; 40]));
    assert_eq!(host.count("frame_unknown_ethertype"), 2);
    host.feed(frame(OWN_MAC, PEER_MAC, EtherType::Ipv4, &[0x45; 10]));
    assert_eq!(host.count("ip_bad_header"), 1);
    host.feed(frame(OWN_MAC, OWN_MAC, EtherType::Ipv4, &[0x45; 10]));
    assert_eq!(host.count("frame_bad_source"), 1);
}
