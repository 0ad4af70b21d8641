//! RFC 768 and offloads: what is verified, what is left to the device.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::{checksum, ipv4};
use matnet_stack::{Capabilities, Config, TxChecksum};

#[test]
fn the_device_gets_the_pseudo_header_sum() {
    let capabilities = Capabilities { tx_checksum: true, tso: true, uso: false };
    let mut host = Host::started(Config { capabilities, ..config() });
    let id = host.udp(5000);
    host.send_to(id, addr(PEER, 7), b"payload").unwrap();
    let frame = host.transmit().remove(0);
    assert_eq!(frame.meta.checksum, Some(TxChecksum { start: 34, offset: 6 }));
    assert_eq!(frame.meta.gso, None);
    let pseudo = checksum::pseudo_header_v4(OWN, PEER, ipv4::PROTO_UDP, 15);
    assert_eq!(frame.bytes[40..42], checksum::fold(pseudo).to_be_bytes());
    // What the device makes of it.
    let mut whole = frame.bytes.clone();
    let sum = checksum::checksum(&whole[34..]);
    whole[40..42].copy_from_slice(&sum.to_be_bytes());
    assert!(sums(&frame.ip().0, &whole[34..]));
}

#[test]
fn without_offload_the_checksum_is_complete() {
    let mut host = Host::new();
    let id = host.udp(5000);
    host.send_to(id, addr(PEER, 7), b"payload").unwrap();
    let frame = host.transmit().remove(0);
    let (ip, datagram) = frame.ip();
    assert!(sums(&ip, datagram) && frame.meta.checksum.is_none());
}

#[test]
fn received_checksums_are_verified_unless_absent_or_vouched_for() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let good = udp_frame(addr(FAR, 9), addr(OWN, 5000), b"abc");
    let mut bad = good.clone();
    bad[14 + 20 + 8] ^= 0x20;
    host.feed(bad.clone());
    assert!(host.recv(id).is_err());
    assert_eq!(host.count("udp_bad_checksum"), 1);
    host.feed_meta(bad.clone(), TRUSTED);
    assert_eq!(host.recv(id).unwrap().0, b"Abc");
    bad[14 + 20 + 6..14 + 20 + 8].copy_from_slice(&[0, 0]);
    host.feed(bad);
    assert_eq!(host.recv(id).unwrap().0, b"Abc", "zero means none");
}

#[test]
fn bad_lengths_are_dropped() {
    let mut host = Host::new();
    host.udp(5000);
    for len in [0u16, 7, 100] {
        let mut bytes = udp_frame(addr(FAR, 9), addr(OWN, 5000), b"abc");
        bytes[14 + 20 + 4..14 + 20 + 6].copy_from_slice(&len.to_be_bytes());
        host.feed_meta(bytes, TRUSTED);
    }
    host.feed(ip_frame(ip_repr(FAR, OWN, ipv4::PROTO_UDP, 7), &[0; 7]));
    assert_eq!(host.count("udp_malformed"), 4);
}
