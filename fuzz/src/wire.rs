//! Parsers on arbitrary bytes. What parses must be what etherparse reads, must be written back, and what is
//! written must parse to the same value.

use std::net::Ipv4Addr;

use etherparse as ep;
use matnet_stack::wire::{ChecksumMode, WireError, arp, checksum, ethernet, icmpv4, ipv4, tcp, udp};

const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const DST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

pub fn ethernet_ip(data: &[u8]) {
    let parsed = ethernet::Repr::parse(data);
    let theirs = ep::Ethernet2Header::from_slice(data);
    assert_eq!(parsed.is_ok(), theirs.is_ok());
    if let (Ok((repr, at)), Ok((theirs, rest))) = (parsed, theirs) {
        assert_eq!((repr.src.0, repr.dst.0), (theirs.source, theirs.destination));
        assert_eq!(u16::from(repr.ethertype), theirs.ether_type.0);
        assert_eq!(&data[at..], rest);
        let mut out = Vec::new();
        repr.emit(&mut out);
        assert_eq!(out, data[..at]);
        ipv4_packet(rest);
    }
    ipv4_packet(data);
}

fn ipv4_packet(data: &[u8]) {
    let parsed = ipv4::Repr::parse(data);
    let theirs = ep::Ipv4Slice::from_slice(data);
    if parsed == Err(WireError::Checksum) {
        // Give what fails for its checksum alone a right one, and go on.
        let header_len = usize::from(data[0] & 15) * 4;
        let mut fixed = data.to_vec();
        fixed[10..12].fill(0);
        let sum = checksum::checksum(&fixed[..header_len]);
        fixed[10..12].copy_from_slice(&sum.to_be_bytes());
        assert!(ipv4::Repr::parse(&fixed).is_ok());
        return ipv4_packet(&fixed);
    }
    let Ok((repr, header_len)) = parsed else { return };
    // Extension headers (authentication) are beyond us and can make their parser fail where ours is right.
    if let Ok(theirs) = theirs {
        let header = theirs.header().to_header();
        assert_eq!(header_len, header.header_len());
        assert_eq!(repr.src.octets(), header.source);
        assert_eq!(repr.dst.octets(), header.destination);
        assert_eq!(repr.protocol, header.protocol.0);
        assert_eq!(repr.ttl, header.time_to_live);
        assert_eq!(repr.tos, header.dscp.value() << 2 | header.ecn.value());
        assert_eq!(repr.ident, header.identification);
        assert_eq!(repr.dont_fragment, header.dont_fragment);
        assert_eq!(repr.more_fragments, header.more_fragments);
        assert_eq!(repr.fragment_offset, header.fragment_offset.byte_offset());
        assert_eq!(header_len + repr.payload_len, usize::from(header.total_len));
        // Their sum is over the header that they would write, which has no reserved bit; and one's complement
        // has two zeros.
        if data[6] & 0x80 == 0 {
            assert_eq!(header.header_checksum % 0xffff, header.calc_header_checksum() % 0xffff);
        }
    }
    assert!(header_len + repr.payload_len <= data.len());
    let payload = &data[header_len..header_len + repr.payload_len];
    // Without its options the packet is the same but for the header's length.
    let mut out = Vec::new();
    repr.emit(&mut out);
    out.extend_from_slice(payload);
    assert_eq!(ipv4::Repr::parse(&out), Ok((repr, ipv4::HEADER_LEN)));
}

pub fn tcp(data: &[u8]) {
    for verify in [true, false] {
        let Ok((repr, header_len)) = tcp::Repr::parse(data, SRC, DST, verify) else { continue };
        let (header, rest) = ep::TcpHeader::from_slice(data).expect("etherparse reads what we read");
        assert_eq!(&data[header_len..], rest);
        assert_eq!((repr.src_port, repr.dst_port), (header.source_port, header.destination_port));
        assert_eq!((repr.seq.0, repr.ack.0), (header.sequence_number, header.acknowledgment_number));
        assert_eq!((repr.window, repr.urgent), (header.window_size, header.urgent_pointer));
        let sum = header.calc_checksum_ipv4_raw(SRC.octets(), DST.octets(), rest).expect("short enough");
        let packet = tcp::Packet::new_checked(data).expect("parsed just now");
        // One's complement has two zeros: a field of ffff is as right as one of 0000.
        let same = sum % 0xffff == header.checksum % 0xffff;
        // Their sum is over the header that they write back, which has no reserved bits.
        if data[12] & 0x0e == 0 {
            assert_eq!(packet.verify_checksum(SRC, DST), same);
        }
        tcp_options(&repr, &header);

        let mut out = Vec::new();
        repr.emit(&mut out, SRC, DST, &[rest], ChecksumMode::Full);
        assert_eq!(out.len(), repr.header_len());
        assert!(out.len() <= tcp::MAX_HEADER_LEN && out.len() % 4 == 0);
        out.extend_from_slice(rest);
        let (again, at) = tcp::Repr::parse(&out, SRC, DST, true).expect("our own segment");
        assert_eq!(at, repr.header_len());
        assert_eq!(&out[at..], rest);
        // Padding may cost SACK blocks, nothing else.
        let mut expect = repr;
        expect.options.sack_blocks = again.options.sack_blocks;
        assert_eq!(again, expect);
        assert!(repr.options.sack_blocks.as_slice().starts_with(again.options.sack_blocks.as_slice()));
    }
    // Options alone, to any length.
    for syn in [false, true] {
        let options = tcp::Options::parse(data, syn);
        let mut out = Vec::new();
        options.emit(&mut out);
        assert_eq!(out.len(), options.len());
        assert!(out.len() <= 40);
        assert!(syn || (options.mss, options.window_scale, options.sack_permitted) == (None, None, false));
    }
}

/// Whatever etherparse reads before its first complaint, we read too (the last of a kind counts).
fn tcp_options(repr: &tcp::Repr, header: &ep::TcpHeader) {
    let syn = repr.flags.contains(tcp::Flags::SYN);
    let (mut mss, mut shift, mut permitted, mut timestamps) = (None, None, false, None);
    let mut complete = true;
    for element in header.options_iterator() {
        match element {
            Ok(ep::TcpOptionElement::Noop) => {}
            Ok(ep::TcpOptionElement::MaximumSegmentSize(value)) if value != 0 => mss = Some(value),
            Ok(ep::TcpOptionElement::MaximumSegmentSize(_)) => {}
            Ok(ep::TcpOptionElement::WindowScale(value)) => shift = Some(value.min(14)),
            Ok(ep::TcpOptionElement::SelectiveAcknowledgementPermitted) => permitted = true,
            Ok(ep::TcpOptionElement::Timestamp(value, echo)) => timestamps = Some((value, echo)),
            Ok(ep::TcpOptionElement::SelectiveAcknowledgement(..)) => {}
            // They stop at unknown kinds and bad lengths; we skip those.
            Err(_) => complete = false,
        }
    }
    if complete {
        assert_eq!(repr.options.timestamps, timestamps);
        if syn {
            assert_eq!(repr.options.mss, mss);
            assert_eq!(repr.options.window_scale, shift);
            assert_eq!(repr.options.sack_permitted, permitted);
        }
    }
}

pub fn icmp_udp_arp(data: &[u8]) {
    icmp(data);
    datagram(data);
    arp(data);
}

fn icmp(data: &[u8]) {
    for verify in [true, false] {
        let Ok(repr) = icmpv4::Repr::parse(data, verify) else { continue };
        let mut out = Vec::new();
        repr.emit(&mut out);
        assert_eq!(out.len(), repr.len());
        assert_eq!(icmpv4::Repr::parse(&out, true), Ok(repr));
        if let icmpv4::Repr::DstUnreachable { quoted, .. }
        | icmpv4::Repr::TimeExceeded { quoted, .. }
        | icmpv4::Repr::ParamProblem { quoted, .. }
        | icmpv4::Repr::Redirect { quoted, .. } = repr
        {
            quote(quoted);
        }
        // The timestamp messages are longer than our header, so they may refuse those.
        if let Ok(theirs) = ep::Icmpv4Slice::from_slice(data) {
            assert_eq!((theirs.type_u8(), theirs.code_u8()), (data[0], data[1]));
            let ok = icmpv4::Packet::new_checked(data).expect("parsed just now").verify_checksum();
            assert!(!verify || ok);
        }
    }
    quote(data);
}

fn quote(data: &[u8]) {
    let Ok(quoted) = icmpv4::parse_quoted(data) else { return };
    let (header, rest) = ep::Ipv4Header::from_slice(data).expect("etherparse reads what we read");
    assert_eq!(quoted.ip.src.octets(), header.source);
    assert_eq!(quoted.ip.dst.octets(), header.destination);
    assert_eq!(quoted.ip.protocol, header.protocol.0);
    assert_eq!(quoted.ip.total_len, usize::from(header.total_len));
    assert_eq!(quoted.l4, rest);
    assert!(quoted.l4.len() >= 8);
    let _ = (quoted.ports(), quoted.tcp_seq(), quoted.echo_ident());
}

fn datagram(data: &[u8]) {
    for verify in [true, false] {
        let Ok((repr, range)) = udp::Repr::parse(data, SRC, DST, verify) else { continue };
        let payload = &data[range];
        let (header, _) = ep::UdpHeader::from_slice(data).expect("etherparse reads what we read");
        assert_eq!((repr.src_port, repr.dst_port), (header.source_port, header.destination_port));
        assert_eq!(payload.len() + udp::HEADER_LEN, usize::from(header.length));
        if verify && header.checksum != 0 {
            let sum = header.calc_checksum_ipv4_raw(SRC.octets(), DST.octets(), payload);
            assert_eq!(sum.expect("short enough"), header.checksum);
        }
        let mut out = Vec::new();
        repr.emit(&mut out, SRC, DST, &[payload], ChecksumMode::Full);
        assert_ne!(out[6..8], [0, 0]);
        out.extend_from_slice(payload);
        assert_eq!(udp::Repr::parse(&out, SRC, DST, true), Ok((repr, 8..out.len())));
    }
}

fn arp(data: &[u8]) {
    let Ok(repr) = arp::Repr::parse(data) else { return };
    let theirs = ep::ArpPacketSlice::from_slice(data).expect("etherparse reads what we read");
    let theirs = theirs.to_packet().try_eth_ipv4().expect("etherparse agrees that it is Ethernet and IPv4");
    assert_eq!((repr.sha.0, repr.tha.0), (theirs.sender_mac, theirs.target_mac));
    assert_eq!((repr.spa.octets(), repr.tpa.octets()), (theirs.sender_ipv4, theirs.target_ipv4));
    let mut out = Vec::new();
    repr.emit(&mut out);
    assert_eq!(out, data[..arp::PACKET_LEN]);
}
