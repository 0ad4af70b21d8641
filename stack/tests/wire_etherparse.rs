//! The wire code against a second opinion, etherparse, in both directions: what we build it must read alike,
//! what it builds we must read alike.
#![allow(clippy::indexing_slicing, clippy::unwrap_used)]

mod wire_gen;

use std::net::Ipv4Addr;

use etherparse as ep;
use matnet_stack::wire::{
    ChecksumMode, SeqNumber, WireError, arp, checksum, ethernet, icmpv4, ipv4, tcp, udp,
};
use proptest::collection::vec;
use proptest::prelude::*;
use wire_gen::borrow;

fn ep_ipv4(src: Ipv4Addr, dst: Ipv4Addr, protocol: u8, payload_len: usize) -> ep::Ipv4Header {
    ep::Ipv4Header::new(payload_len as u16, 64, ep::IpNumber(protocol), src.octets(), dst.octets()).unwrap()
}

proptest! {
    #[test]
    fn ethernet_both_ways(repr in wire_gen::ethernet(), payload in vec(any::<u8>(), 0..60)) {
        let mut ours = Vec::new();
        repr.emit(&mut ours);
        let theirs = ep::Ethernet2Header {
            source: repr.src.0,
            destination: repr.dst.0,
            ether_type: ep::EtherType(repr.ethertype.into()),
        };
        prop_assert_eq!(&ours[..], &theirs.to_bytes()[..]);
        ours.extend_from_slice(&payload);
        let (read, rest) = ep::Ethernet2Header::from_slice(&ours).unwrap();
        prop_assert_eq!(read, theirs);
        prop_assert_eq!(rest, &payload[..]);
        prop_assert_eq!(ethernet::Repr::parse(&ours), Ok((repr, 14)));
    }

    #[test]
    fn arp_both_ways(repr in wire_gen::arp()) {
        let mut ours = Vec::new();
        repr.emit(&mut ours);
        let theirs = ep::ArpEthIpv4Packet {
            operation: match repr.operation {
                arp::Operation::Request => ep::ArpOperation::REQUEST,
                arp::Operation::Reply => ep::ArpOperation::REPLY,
            },
            sender_mac: repr.sha.0,
            sender_ipv4: repr.spa.octets(),
            target_mac: repr.tha.0,
            target_ipv4: repr.tpa.octets(),
        };
        let read = ep::ArpPacketSlice::from_slice(&ours).unwrap().to_packet().try_eth_ipv4().unwrap();
        prop_assert_eq!(&read, &theirs);
        prop_assert_eq!(arp::Repr::parse(&ep::ArpPacket::from(theirs).to_bytes()), Ok(repr));
    }

    #[test]
    fn ipv4_we_build(repr in wire_gen::ipv4(100)) {
        let mut packet = Vec::new();
        repr.emit(&mut packet);
        packet.resize(120, 7);
        let (read, rest) = ep::Ipv4Header::from_slice(&packet).unwrap();
        prop_assert_eq!(rest.len(), 100);
        prop_assert_eq!(read.header_checksum, read.calc_header_checksum());
        prop_assert_eq!(read.source, repr.src.octets());
        prop_assert_eq!(read.destination, repr.dst.octets());
        prop_assert_eq!(read.protocol.0, repr.protocol);
        prop_assert_eq!(read.time_to_live, repr.ttl);
        prop_assert_eq!(read.dscp.value() << 2 | read.ecn.value(), repr.tos);
        prop_assert_eq!(read.identification, repr.ident);
        prop_assert_eq!(read.dont_fragment, repr.dont_fragment);
        prop_assert_eq!(read.more_fragments, repr.more_fragments);
        prop_assert_eq!(read.fragment_offset.byte_offset(), repr.fragment_offset);
        prop_assert_eq!(usize::from(read.total_len), 20 + repr.payload_len);
    }

    #[test]
    fn ipv4_they_build(repr in wire_gen::ipv4(33), option_words in 0usize..=10, padding in 0usize..20) {
        let mut header = ep_ipv4(repr.src, repr.dst, repr.protocol, 33);
        header.dscp = ep::IpDscp::try_new(repr.tos >> 2).unwrap();
        header.ecn = ep::IpEcn::try_new(repr.tos & 3).unwrap();
        header.time_to_live = repr.ttl;
        header.identification = repr.ident;
        header.dont_fragment = repr.dont_fragment;
        header.more_fragments = repr.more_fragments;
        header.fragment_offset = ep::IpFragOffset::try_new(repr.fragment_offset >> 3).unwrap();
        header.options = vec![1; option_words * 4].as_slice().try_into().unwrap();
        header.set_payload_len(33).unwrap();
        header.header_checksum = header.calc_header_checksum();
        let mut packet = header.to_bytes().to_vec();
        packet.resize(packet.len() + 33 + padding, 9);
        prop_assert_eq!(ipv4::Repr::parse(&packet), Ok((repr, 20 + option_words * 4)));
        // One wrong bit anywhere in the header is found (in the first byte it may be malformed first).
        packet[8] ^= 0x10;
        prop_assert_eq!(ipv4::Repr::parse(&packet), Err(WireError::Checksum));
    }

    #[test]
    fn udp_both_ways(
        repr in wire_gen::udp(), src in wire_gen::addr(), dst in wire_gen::addr(), slices in wire_gen::slices(),
    ) {
        let payload = slices.concat();
        let ip = ep_ipv4(src, dst, 17, 8 + payload.len());
        let theirs = ep::UdpHeader::with_ipv4_checksum(repr.src_port, repr.dst_port, &ip, &payload).unwrap();
        let mut ours = Vec::new();
        repr.emit(&mut ours, src, dst, &borrow(&slices), ChecksumMode::Full);
        prop_assert_eq!(&ours[..], &theirs.to_bytes()[..]);

        let mut datagram = theirs.to_bytes().to_vec();
        datagram.extend_from_slice(&payload);
        let len = datagram.len();
        datagram.extend_from_slice(&[0xee; 3]); // padding beyond the datagram's own length
        prop_assert_eq!(udp::Repr::parse(&datagram, src, dst, true), Ok((repr, 8..len)));
        let none = ep::UdpHeader::without_ipv4_checksum(repr.src_port, repr.dst_port, payload.len()).unwrap();
        datagram[..8].copy_from_slice(&none.to_bytes());
        prop_assert_eq!(udp::Repr::parse(&datagram, src, dst, true), Ok((repr, 8..len)));
    }

    #[test]
    fn tcp_we_build(
        repr in wire_gen::tcp(), src in wire_gen::addr(), dst in wire_gen::addr(), slices in wire_gen::slices(),
    ) {
        let payload = slices.concat();
        let mut segment = Vec::new();
        repr.emit(&mut segment, src, dst, &borrow(&slices), ChecksumMode::Full);
        prop_assert_eq!(segment.len(), repr.header_len());
        segment.extend_from_slice(&payload);
        let (read, rest) = ep::TcpHeader::from_slice(&segment).unwrap();
        prop_assert_eq!(rest, &payload[..]);
        let ip = ep_ipv4(src, dst, 6, segment.len());
        prop_assert_eq!(read.checksum, read.calc_checksum_ipv4(&ip, &payload).unwrap());
        prop_assert_eq!(read.source_port, repr.src_port);
        prop_assert_eq!(read.destination_port, repr.dst_port);
        prop_assert_eq!(read.sequence_number, repr.seq.0);
        prop_assert_eq!(read.acknowledgment_number, repr.ack.0);
        prop_assert_eq!(read.window_size, repr.window);
        prop_assert_eq!(read.urgent_pointer, repr.urgent);
        prop_assert!(!read.ns);
        prop_assert_eq!(flags_of(&read), repr.flags);
        prop_assert_eq!(options_of(&read), repr.options);
    }

    #[test]
    fn tcp_they_build(
        repr in wire_gen::tcp(), src in wire_gen::addr(), dst in wire_gen::addr(), payload in vec(any::<u8>(), 0..99),
        order in any::<[u8; 5]>(),
    ) {
        let mut header = ep::TcpHeader::new(repr.src_port, repr.dst_port, repr.seq.0, repr.window);
        header.acknowledgment_number = repr.ack.0;
        header.urgent_pointer = repr.urgent;
        header.fin = repr.flags.contains(tcp::Flags::FIN);
        header.syn = repr.flags.contains(tcp::Flags::SYN);
        header.rst = repr.flags.contains(tcp::Flags::RST);
        header.psh = repr.flags.contains(tcp::Flags::PSH);
        header.ack = repr.flags.contains(tcp::Flags::ACK);
        header.urg = repr.flags.contains(tcp::Flags::URG);
        header.ece = repr.flags.contains(tcp::Flags::ECE);
        header.cwr = repr.flags.contains(tcp::Flags::CWR);
        // In any order, without the padding that we write.
        let mut elements = elements_of(&repr.options);
        elements.sort_by_key(|(i, _)| order[*i]);
        let elements: Vec<_> = elements.into_iter().map(|(_, e)| e).collect();
        header.set_options(&elements).unwrap();
        header.checksum = header.calc_checksum_ipv4(&ep_ipv4(src, dst, 6, 0), &payload).unwrap();
        let mut segment = header.to_bytes().to_vec();
        let header_len = segment.len();
        segment.extend_from_slice(&payload);
        prop_assert_eq!(tcp::Repr::parse(&segment, src, dst, true), Ok((repr, header_len)));
        let last = segment.len() - 1;
        segment[last] ^= 1;
        prop_assert_eq!(tcp::Repr::parse(&segment, src, dst, true), Err(WireError::Checksum));
        prop_assert!(tcp::Repr::parse(&segment, src, dst, false).is_ok());
    }

    #[test]
    fn partial_checksums_are_completed_by_summing_from_the_transport_header(
        repr in wire_gen::tcp(), src in wire_gen::addr(), dst in wire_gen::addr(), slices in wire_gen::slices(),
    ) {
        // What the device does: sum all of layer 4, the partial sum in the field included, invert, store.
        let (mut full, mut partial) = (Vec::new(), Vec::new());
        repr.emit(&mut full, src, dst, &borrow(&slices), ChecksumMode::Full);
        repr.emit(&mut partial, src, dst, &borrow(&slices), ChecksumMode::Partial);
        let mut all = vec![&partial[..]];
        all.extend(borrow(&slices));
        let sum = !checksum::fold(checksum::sum_slices(&all));
        let at = usize::from(tcp::CHECKSUM_OFFSET);
        partial[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        prop_assert_eq!(partial, full);
    }

    #[test]
    fn icmp_both_ways(
        which in 0usize..ICMP_KINDS, a in any::<u16>(), b in any::<u16>(), payload in vec(any::<u8>(), 0..64),
    ) {
        let (ours, theirs) = icmp(which, a, b, &payload);
        let mut message = Vec::new();
        ours.emit(&mut message);
        prop_assert_eq!(message.len(), ours.len());
        let read = ep::Icmpv4Slice::from_slice(&message).unwrap();
        prop_assert_eq!(&read.header(), &ep::Icmpv4Header::with_checksum(theirs.clone(), &payload));
        prop_assert_eq!(read.payload(), &payload[..]);

        let mut message = ep::Icmpv4Header::with_checksum(theirs, &payload).to_bytes().to_vec();
        message.extend_from_slice(&payload);
        prop_assert_eq!(icmpv4::Repr::parse(&message, true), Ok(ours));
        message[1] ^= 0x40;
        prop_assert_eq!(icmpv4::Repr::parse(&message, true), Err(WireError::Checksum));
    }
}

fn flags_of(header: &ep::TcpHeader) -> tcp::Flags {
    let all = [
        (header.fin, tcp::Flags::FIN),
        (header.syn, tcp::Flags::SYN),
        (header.rst, tcp::Flags::RST),
        (header.psh, tcp::Flags::PSH),
        (header.ack, tcp::Flags::ACK),
        (header.urg, tcp::Flags::URG),
        (header.ece, tcp::Flags::ECE),
        (header.cwr, tcp::Flags::CWR),
    ];
    all.into_iter().filter(|(set, _)| *set).fold(tcp::Flags::NONE, |sum, (_, flag)| sum | flag)
}

fn options_of(header: &ep::TcpHeader) -> tcp::Options {
    let mut options = tcp::Options::default();
    for element in header.options_iterator() {
        match element.unwrap() {
            ep::TcpOptionElement::Noop => {}
            ep::TcpOptionElement::MaximumSegmentSize(mss) => options.mss = Some(mss),
            ep::TcpOptionElement::WindowScale(shift) => options.window_scale = Some(shift),
            ep::TcpOptionElement::SelectiveAcknowledgementPermitted => options.sack_permitted = true,
            ep::TcpOptionElement::Timestamp(value, echo) => options.timestamps = Some((value, echo)),
            ep::TcpOptionElement::SelectiveAcknowledgement(first, more) => {
                options.sack_blocks = std::iter::once(first)
                    .chain(more.into_iter().flatten())
                    .map(|(left, right)| (SeqNumber(left), SeqNumber(right)))
                    .collect();
            }
        }
    }
    options
}

fn elements_of(options: &tcp::Options) -> Vec<(usize, ep::TcpOptionElement)> {
    let mut elements = Vec::new();
    if let Some(mss) = options.mss {
        elements.push((0, ep::TcpOptionElement::MaximumSegmentSize(mss)));
    }
    if let Some(shift) = options.window_scale {
        elements.push((1, ep::TcpOptionElement::WindowScale(shift)));
    }
    if options.sack_permitted {
        elements.push((2, ep::TcpOptionElement::SelectiveAcknowledgementPermitted));
    }
    if let Some((value, echo)) = options.timestamps {
        elements.push((3, ep::TcpOptionElement::Timestamp(value, echo)));
    }
    let blocks: Vec<_> = options.sack_blocks.iter().map(|(left, right)| (left.0, right.0)).collect();
    if let Some((first, more)) = blocks.split_first() {
        let more = [more.first().copied(), more.get(1).copied(), more.get(2).copied()];
        elements.push((4, ep::TcpOptionElement::SelectiveAcknowledgement(*first, more)));
    }
    elements
}

const ICMP_KINDS: usize = 8;

/// The same message in both tongues.
fn icmp(which: usize, a: u16, b: u16, payload: &[u8]) -> (icmpv4::Repr<'_>, ep::Icmpv4Type) {
    use ep::Icmpv4Type as Type;
    let gateway = Ipv4Addr::from(u32::from(a) << 16 | u32::from(b));
    match which {
        0 => (
            icmpv4::Repr::EchoRequest { ident: a, seq: b, data: payload },
            Type::EchoRequest(ep::IcmpEchoHeader { id: a, seq: b }),
        ),
        1 => (
            icmpv4::Repr::EchoReply { ident: a, seq: b, data: payload },
            Type::EchoReply(ep::IcmpEchoHeader { id: a, seq: b }),
        ),
        2 => {
            let code = (a % 16) as u8;
            let mtu = if code == icmpv4::unreachable::FRAG_NEEDED { b } else { 0 };
            (
                icmpv4::Repr::DstUnreachable { code, mtu, quoted: payload },
                Type::DestinationUnreachable(
                    ep::icmpv4::DestUnreachableHeader::from_values(code, mtu).unwrap(),
                ),
            )
        }
        3 => (
            icmpv4::Repr::DstUnreachable { code: 4, mtu: b, quoted: payload },
            Type::DestinationUnreachable(ep::icmpv4::DestUnreachableHeader::FragmentationNeeded {
                next_hop_mtu: b,
            }),
        ),
        4 => {
            let code = (a % 2) as u8;
            (
                icmpv4::Repr::TimeExceeded { code, quoted: payload },
                Type::TimeExceeded(ep::icmpv4::TimeExceededCode::from_u8(code).unwrap()),
            )
        }
        5 => (
            icmpv4::Repr::ParamProblem { code: 0, pointer: a as u8, quoted: payload },
            Type::ParameterProblem(ep::icmpv4::ParameterProblemHeader::PointerIndicatesError(a as u8)),
        ),
        6 => (
            icmpv4::Repr::SourceQuench { quoted: payload },
            Type::Unknown { type_u8: 4, code_u8: 0, bytes5to8: [0; 4] },
        ),
        _ => {
            let code = (a % 4) as u8;
            (
                icmpv4::Repr::Redirect { code, gateway, quoted: payload },
                Type::Redirect(ep::icmpv4::RedirectHeader {
                    code: ep::icmpv4::RedirectCode::from_u8(code).unwrap(),
                    gateway_internet_address: gateway.octets(),
                }),
            )
        }
    }
}

#[test]
fn a_whole_frame_reads_the_same() {
    let builder = ep::PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4([10, 88, 45, 1], [10, 88, 45, 2], 64)
        .tcp(4321, 80, 1000, 29200)
        .syn()
        .options(&[ep::TcpOptionElement::MaximumSegmentSize(1460), ep::TcpOptionElement::WindowScale(7)])
        .unwrap();
    let mut frame = Vec::new();
    builder.write(&mut frame, b"hello").unwrap();
    let (eth, at) = ethernet::Repr::parse(&frame).unwrap();
    assert_eq!(eth.ethertype, ethernet::EtherType::Ipv4);
    let packet = &frame[at..];
    let (ip, header_len) = ipv4::Repr::parse(packet).unwrap();
    let segment = &packet[header_len..header_len + ip.payload_len];
    let (repr, data) = tcp::Repr::parse(segment, ip.src, ip.dst, true).unwrap();
    assert_eq!(&segment[data..], b"hello");
    assert_eq!((repr.src_port, repr.dst_port, repr.seq), (4321, 80, SeqNumber(1000)));
    assert_eq!((repr.options.mss, repr.options.window_scale), (Some(1460), Some(7)));
}
