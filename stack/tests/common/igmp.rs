//! IGMP messages as a router sends and reads them.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::common::*;
use matnet_stack::MacAddr;
use matnet_stack::wire::{checksum, ethernet};
use std::net::Ipv4Addr;

pub const GROUP: Ipv4Addr = Ipv4Addr::new(239, 129, 1, 1);
pub const ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 22);
pub const ALL_HOSTS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
pub const NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
pub const SOURCES: [Ipv4Addr; 3] =
    [Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2), Ipv4Addr::new(192, 0, 2, 3)];

/// Type, group, sources.
pub type Record = (u8, Ipv4Addr, Vec<Ipv4Addr>);

/// The IGMP message in a frame, its IP header checked: TTL 1, Router Alert, internetwork control, our address.
pub fn igmp(frame: &Frame) -> Option<(Ipv4Addr, Vec<u8>)> {
    let packet = frame.bytes.get(14..)?;
    if frame.ip().0.protocol != 2 {
        return None;
    }
    assert_eq!(packet[..2], [0x46, 0xc0]);
    assert_eq!(packet[20..24], [0x94, 4, 0, 0]);
    let (ip, payload) = frame.ip();
    assert_eq!((ip.ttl, ip.src, ip.dont_fragment), (1, OWN, true));
    assert_eq!(checksum::checksum(payload), 0);
    let [_, a, b, c] = ip.dst.octets();
    assert_eq!(frame.ethernet().dst, MacAddr([1, 0, 0x5e, a & 0x7f, b, c]));
    Some((ip.dst, payload.to_vec()))
}

/// Every record of the version 3 reports among `frames`, one list for each report.
pub fn reports(frames: &[Frame]) -> Vec<Vec<Record>> {
    let one = |(to, message): (Ipv4Addr, Vec<u8>)| {
        assert_eq!((to, message[0]), (ROUTERS, 0x22));
        let count = u16::from_be_bytes([message[6], message[7]]);
        let mut rest = &message[8..];
        let mut records = Vec::new();
        for _ in 0..count {
            let sources = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            let at = |n: usize| Ipv4Addr::new(rest[n], rest[n + 1], rest[n + 2], rest[n + 3]);
            records.push((rest[0], at(4), (0..sources).map(|n| at(8 + n * 4)).collect()));
            rest = &rest[8 + sources * 4..];
        }
        assert!(rest.is_empty());
        records
    };
    frames.iter().filter_map(igmp).map(one).collect()
}

fn sent(dst: Ipv4Addr, mut message: Vec<u8>) -> Vec<u8> {
    let sum = checksum::checksum(&message).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    let [_, a, b, c] = dst.octets();
    let bytes = packet(ip_repr(PEER, dst, 2, message.len()), &message);
    frame(MacAddr([1, 0, 0x5e, a & 0x7f, b, c]), PEER_MAC, ethernet::EtherType::Ipv4, &bytes)
}

/// A version 3 query; `code`: tenths of a second to answer in; `robustness`: the querier's.
pub fn query(group: Ipv4Addr, sources: &[Ipv4Addr], code: u8, robustness: u8) -> Vec<u8> {
    let mut message = vec![0x11, code, 0, 0];
    message.extend_from_slice(&group.octets());
    message.extend_from_slice(&[robustness, 125]);
    message.extend_from_slice(&(sources.len() as u16).to_be_bytes());
    sources.iter().for_each(|s| message.extend_from_slice(&s.octets()));
    sent(if group.is_unspecified() { ALL_HOSTS } else { group }, message)
}

/// A message of eight bytes: versions 1 and 2.
pub fn simple(kind: u8, code: u8, group: Ipv4Addr, dst: Ipv4Addr) -> Vec<u8> {
    let mut message = vec![kind, code, 0, 0];
    message.extend_from_slice(&group.octets());
    sent(dst, message)
}
