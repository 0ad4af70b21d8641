//! Properties of the wire code that need no second opinion: round trips, arithmetic, totality.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod wire_gen;

use std::net::Ipv4Addr;

use matnet_stack::wire::{
    ChecksumMode, SeqNumber, WireError, arp, checksum, ethernet, icmpv4, ipv4, tcp, udp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use wire_gen::borrow;

/// RFC 1071 section 4.1, word for word.
fn naive(data: &[u8]) -> u16 {
    let mut acc = 0u64;
    for pair in data.chunks(2) {
        acc += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while acc >> 16 != 0 {
        acc = (acc & 0xffff) + (acc >> 16);
    }
    acc as u16
}

/// Reads `data` as everything there is; the answers do not matter, returning does. Offsets must lie inside.
fn read_as_everything(data: &[u8]) {
    let addr = Ipv4Addr::LOCALHOST;
    if let Ok((_, at)) = ethernet::Repr::parse(data) {
        assert!(at <= data.len());
    }
    let _ = arp::Repr::parse(data);
    if let Ok((repr, at)) = ipv4::Repr::parse(data) {
        assert!(at >= 20 && at + repr.payload_len <= data.len());
    }
    let _ = icmpv4::Repr::parse(data, true);
    if let Ok(repr) = icmpv4::Repr::parse(data, false) {
        assert!(repr.len() <= data.len());
    }
    if let Ok(quoted) = icmpv4::parse_quoted(data) {
        assert!(quoted.l4.len() >= 8);
        let _ = (quoted.ports(), quoted.tcp_seq(), quoted.echo_ident());
    }
    for verify in [false, true] {
        if let Ok((_, payload)) = udp::Repr::parse(data, addr, addr, verify) {
            assert!(payload.start <= payload.end && payload.end <= data.len());
        }
        if let Ok((repr, at)) = tcp::Repr::parse(data, addr, addr, verify) {
            assert!(at >= 20 && at <= data.len());
            assert!(repr.options.len() <= 40);
        }
    }
    let _ = (tcp::Options::parse(data, true), tcp::Options::parse(data, false));
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(data in vec(any::<u8>(), 0..200)) {
        read_as_everything(&data);
    }

    /// Random bytes rarely get past the first check; these do, and have anything after it.
    #[test]
    fn plausible_bytes_are_read_without_panic(mut data in vec(any::<u8>(), 20..200), words in 0u8..16) {
        data[0] = 0x40 | words;
        let len = data.len() as u16;
        data[2..4].copy_from_slice(&len.to_be_bytes());
        data[12] = words << 4;
        read_as_everything(&data);
        data[10..12].copy_from_slice(&[0, 0]);
        let header = usize::from(words) * 4;
        if header >= 20 && header <= data.len() {
            let sum = !naive(&data[..header]);
            data[10..12].copy_from_slice(&sum.to_be_bytes());
            let (repr, at) = ipv4::Repr::parse(&data).unwrap();
            prop_assert_eq!((at, repr.payload_len), (header, data.len() - header));
        }
        read_as_everything(&data);
    }

    #[test]
    fn checksum_equals_the_naive_one(data in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(checksum::fold(checksum::sum(&data)), naive(&data));
        prop_assert_eq!(checksum::checksum(&data), !naive(&data));
    }

    #[test]
    fn checksum_of_any_split_is_that_of_the_whole(data in vec(any::<u8>(), 0..300), cuts in vec(0usize..300, 0..8)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(data.len())).collect();
        cuts.sort_unstable();
        let (mut slices, mut from) = (Vec::new(), 0);
        for cut in cuts {
            slices.push(&data[from..cut]);
            from = cut;
        }
        slices.push(&data[from..]);
        prop_assert_eq!(checksum::fold(checksum::sum_slices(&slices)), naive(&data));
    }

    #[test]
    fn combine_never_loses_a_carry(a in any::<u32>(), b in any::<u32>()) {
        // Congruent modulo 0xffff, and zero only when both are.
        let sum = checksum::combine(a, b);
        prop_assert_eq!(u64::from(sum) % 0xffff, (u64::from(a) + u64::from(b)) % 0xffff);
        prop_assert_eq!(u32::from(checksum::fold(sum)) % 0xffff, sum % 0xffff);
        prop_assert_eq!(sum == 0, a == 0 && b == 0);
    }

    #[test]
    fn ethernet_round_trip(repr in wire_gen::ethernet()) {
        let mut out = vec![1, 2, 3];
        repr.emit(&mut out);
        prop_assert_eq!(ethernet::Repr::parse(&out[3..]), Ok((repr, 14)));
        prop_assert_eq!(ethernet::Repr::parse(&out[3..16]), Err(WireError::Truncated));
    }

    #[test]
    fn arp_round_trip(repr in wire_gen::arp(), bad in 0usize..6, bit in 0u8..8) {
        let mut out = vec![0; 3];
        repr.emit(&mut out);
        let mut packet = out.split_off(3);
        prop_assert_eq!(arp::Repr::parse(&packet), Ok(repr));
        prop_assert_eq!(arp::Repr::parse(&packet[..27]), Err(WireError::Truncated));
        packet[bad] ^= 1 << bit;
        prop_assert_eq!(arp::Repr::parse(&packet), Err(WireError::Malformed));
    }

    #[test]
    fn ipv4_round_trip(repr in wire_gen::ipv4(50), bit in 0usize..160) {
        let mut out = vec![0; 5];
        repr.emit(&mut out);
        let mut packet = out.split_off(5);
        packet.resize(70, 0);
        prop_assert_eq!(ipv4::Repr::parse(&packet), Ok((repr, 20)));
        prop_assert_eq!(ipv4::Repr::parse(&packet[..69]), Err(WireError::Truncated));
        packet[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(ipv4::Repr::parse(&packet).is_err());
    }

    #[test]
    fn udp_round_trip(
        repr in wire_gen::udp(), src in wire_gen::addr(), dst in wire_gen::addr(), slices in wire_gen::slices(),
    ) {
        let mut datagram = Vec::new();
        repr.emit(&mut datagram, src, dst, &borrow(&slices), ChecksumMode::Full);
        datagram.extend_from_slice(&slices.concat());
        let len = datagram.len();
        prop_assert_eq!(udp::Repr::parse(&datagram, src, dst, true), Ok((repr, 8..len)));
        prop_assert_eq!(udp::Repr::parse(&datagram[..len - 1], src, dst, true).is_err(), true);
        let mut partial = Vec::new();
        repr.emit(&mut partial, src, dst, &borrow(&slices), ChecksumMode::Partial);
        let pseudo = checksum::fold(checksum::pseudo_header_v4(src, dst, 17, len as u16));
        prop_assert_eq!(&partial[..6], &datagram[..6]);
        prop_assert_eq!(&partial[6..], &pseudo.to_be_bytes()[..]);
    }

    #[test]
    fn tcp_round_trip(
        repr in wire_gen::tcp(), src in wire_gen::addr(), dst in wire_gen::addr(), slices in wire_gen::slices(),
    ) {
        let mut segment = Vec::new();
        repr.emit(&mut segment, src, dst, &borrow(&slices), ChecksumMode::Full);
        let header_len = segment.len();
        prop_assert_eq!(header_len, repr.header_len());
        prop_assert_eq!(header_len % 4, 0);
        segment.extend_from_slice(&slices.concat());
        prop_assert_eq!(tcp::Repr::parse(&segment, src, dst, true), Ok((repr, header_len)));
        prop_assert_eq!(
            tcp::Repr::parse(&segment[..header_len - 1], src, dst, false),
            Err(WireError::Truncated)
        );
    }

    /// Whatever options a segment is given, what is emitted fits its header and is read as a prefix of them.
    #[test]
    fn too_many_options_are_cut_at_sack_blocks(repr in wire_gen::tcp(), blocks in vec(any::<(u32, u32)>(), 4)) {
        let mut repr = repr;
        repr.options.sack_blocks = blocks.iter().map(|&(l, r)| (SeqNumber(l), SeqNumber(r))).collect();
        let addr = Ipv4Addr::LOCALHOST;
        let mut segment = Vec::new();
        repr.emit(&mut segment, addr, addr, &[], ChecksumMode::Full);
        let (read, at) = tcp::Repr::parse(&segment, addr, addr, true).unwrap();
        prop_assert!(at <= tcp::MAX_HEADER_LEN);
        prop_assert!(repr.options.sack_blocks.as_slice().starts_with(read.options.sack_blocks.as_slice()));
        repr.options.sack_blocks = read.options.sack_blocks;
        prop_assert_eq!(read, repr);
    }

    #[test]
    fn icmp_echo_round_trip(ident: u16, seq: u16, data in vec(any::<u8>(), 0..99), reply: bool) {
        let data = &data[..];
        let repr = if reply {
            icmpv4::Repr::EchoReply { ident, seq, data }
        } else {
            icmpv4::Repr::EchoRequest { ident, seq, data }
        };
        let mut message = Vec::new();
        repr.emit(&mut message);
        prop_assert_eq!(icmpv4::Repr::parse(&message, true), Ok(repr));
    }

    #[test]
    fn a_quoted_packet_is_found_again(
        ip in wire_gen::ipv4(1000), repr in wire_gen::tcp(), cut in 28usize..60,
    ) {
        let ip = ipv4::Repr { fragment_offset: 0, ..ip };
        let mut packet = Vec::new();
        ip.emit(&mut packet);
        repr.emit(&mut packet, ip.src, ip.dst, &[], ChecksumMode::Full);
        packet.truncate(cut);
        packet[8] = packet[8].wrapping_sub(1); // a router's TTL without its checksum: still read
        let quoted = icmpv4::parse_quoted(&packet).unwrap();
        prop_assert_eq!((quoted.ip.src, quoted.ip.dst), (ip.src, ip.dst));
        prop_assert_eq!((quoted.ip.protocol, quoted.ip.total_len), (ip.protocol, 1020));
        prop_assert_eq!(quoted.ports(), (repr.src_port, repr.dst_port));
        prop_assert_eq!(quoted.tcp_seq(), repr.seq);
        prop_assert_eq!(icmpv4::parse_quoted(&packet[..27]), Err(WireError::Truncated));
        packet[7] |= 1;
        prop_assert_eq!(icmpv4::parse_quoted(&packet), Err(WireError::Malformed));
    }

    /// Exactly one of less, equal, greater, for all distances but the one that is half the circle.
    #[test]
    fn sequence_order_is_by_distance(a: u32, distance in 1u32..0x8000_0000) {
        let (a, b) = (SeqNumber(a), SeqNumber(a.wrapping_add(distance)));
        prop_assert!(a.lt(b) && a.le(b) && !a.gt(b) && !a.ge(b));
        prop_assert!(b.gt(a) && b.ge(a) && !b.lt(a) && !b.le(a));
        prop_assert!(a.le(a) && a.ge(a) && !a.lt(a) && !a.gt(a));
        prop_assert_eq!((a.max(b), b.max(a)), (b, b));
        prop_assert_eq!((a.min(b), b.min(a)), (a, a));
        prop_assert_eq!(b - a, distance as i32);
        prop_assert_eq!(a - b, -(distance as i32));
        prop_assert_eq!(a + distance as usize, b);
        prop_assert_eq!(b - distance as usize, a);
    }

    #[test]
    fn between_is_a_half_open_window(lo: u32, len: u32, offset: u32) {
        let (low, high) = (SeqNumber(lo), SeqNumber(lo.wrapping_add(len)));
        let x = SeqNumber(lo.wrapping_add(offset));
        prop_assert_eq!(x.between(low, high), offset < len);
    }
}

#[test]
fn adding_wraps_as_often_as_it_must() {
    assert_eq!(SeqNumber(u32::MAX) + 1, SeqNumber(0));
    assert_eq!(SeqNumber(0) - 1, SeqNumber(u32::MAX));
    let mut seq = SeqNumber(u32::MAX - 1);
    seq += 5;
    assert_eq!(seq, SeqNumber(3));
    seq -= 5;
    assert_eq!(seq, SeqNumber(u32::MAX - 1));
}
