//! Random header values for the wire tests: everything that our own types can say and a round trip keeps.
#![allow(dead_code)] // each test file uses its part

use std::net::Ipv4Addr;

use matnet_stack::MacAddr;
use matnet_stack::wire::{SeqNumber, arp, ethernet, ipv4, tcp, udp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub fn mac() -> impl Strategy<Value = MacAddr> {
    any::<[u8; 6]>().prop_map(MacAddr)
}

pub fn addr() -> impl Strategy<Value = Ipv4Addr> {
    any::<u32>().prop_map(Ipv4Addr::from)
}

/// Payload in several pieces of any length, odd ones included.
pub fn slices() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..70), 0..6)
}

/// Borrows what [`slices`] made.
pub fn borrow(slices: &[Vec<u8>]) -> Vec<&[u8]> {
    slices.iter().map(Vec::as_slice).collect()
}

pub fn ethernet() -> impl Strategy<Value = ethernet::Repr> {
    (mac(), mac(), any::<u16>()).prop_map(|(src, dst, ethertype)| ethernet::Repr {
        src,
        dst,
        ethertype: ethertype.into(),
    })
}

pub fn arp() -> impl Strategy<Value = arp::Repr> {
    (any::<bool>(), mac(), addr(), mac(), addr()).prop_map(|(request, sha, spa, tha, tpa)| arp::Repr {
        operation: if request { arp::Operation::Request } else { arp::Operation::Reply },
        sha,
        spa,
        tha,
        tpa,
    })
}

pub fn ipv4(payload_len: usize) -> impl Strategy<Value = ipv4::Repr> {
    (
        addr(),
        addr(),
        any::<u8>(),
        any::<u8>(),
        any::<u8>(),
        any::<u16>(),
        any::<bool>(),
        any::<bool>(),
        0..0x2000u16,
    )
        .prop_map(move |(src, dst, protocol, ttl, tos, ident, dont_fragment, more_fragments, offset)| {
            ipv4::Repr {
                src,
                dst,
                protocol,
                ttl,
                tos,
                ident,
                dont_fragment,
                more_fragments,
                fragment_offset: offset << 3,
                payload_len,
            }
        })
}

pub fn udp() -> impl Strategy<Value = udp::Repr> {
    (any::<u16>(), any::<u16>()).prop_map(|(src_port, dst_port)| udp::Repr { src_port, dst_port })
}

fn seq() -> impl Strategy<Value = SeqNumber> {
    any::<u32>().prop_map(SeqNumber)
}

/// Options as they may stand on a segment with or without SYN; the SACK blocks are as many as fit.
pub fn options(syn: bool) -> impl Strategy<Value = tcp::Options> {
    (
        option::of(1..=u16::MAX),
        option::of(0..=14u8),
        any::<bool>(),
        option::of(any::<(u32, u32)>()),
        vec((seq(), seq()), 0..=4),
    )
        .prop_map(move |(mss, window_scale, sack_permitted, timestamps, blocks)| {
            let mut options = tcp::Options {
                mss: mss.filter(|_| syn),
                window_scale: window_scale.filter(|_| syn),
                sack_permitted: sack_permitted && syn,
                timestamps,
                sack_blocks: tcp::SackBlocks::new(),
                // etherparse does not know it; `tcp_options.rs` has its tests.
                fast_open: None,
            };
            let room = (40 - options.len()).saturating_sub(4) / 8;
            options.sack_blocks = blocks.into_iter().take(room).collect();
            options
        })
}

pub fn tcp() -> impl Strategy<Value = tcp::Repr> {
    (any::<u16>(), any::<u16>(), seq(), seq(), any::<u8>(), any::<u16>(), any::<u16>())
        .prop_flat_map(|head| (Just(head), options(tcp::Flags(head.4).contains(tcp::Flags::SYN))))
        .prop_map(|((src_port, dst_port, seq, ack, flags, window, urgent), options)| tcp::Repr {
            src_port,
            dst_port,
            seq,
            ack,
            flags: tcp::Flags(flags),
            window,
            urgent,
            options,
        })
}
