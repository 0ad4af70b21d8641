//! ICMP errors: which ones we send, and what received ones mean to sockets (RFC 1122 sections 3.2.2 and 4.1.3.3,
//! Linux icmp_err_convert).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::{ethernet::EtherType, icmpv4::Repr, ipv4};
use matnet_stack::{Error, MacAddr, Readiness, SocketId};

fn dst_unreachable(code: u8, quoted: &[u8]) -> Repr<'_> {
    Repr::DstUnreachable { code, mtu: 0, quoted }
}

/// Sends from `id` to FAR and answers what an ICMP error would quote.
fn sent(host: &mut Host, id: SocketId) -> Vec<u8> {
    host.send_to(id, addr(FAR, 7), b"some data").unwrap();
    let frames = host.transmit();
    frames[0].bytes[14..14 + 28].to_vec()
}

#[test]
fn a_closed_port_is_unreachable() {
    let mut host = Host::new();
    let request = udp_frame(addr(FAR, 9), addr(OWN, 5000), &body(1000));
    let frames = host.feed(request.clone());
    assert_eq!(frames.len(), 1);
    let Repr::DstUnreachable { code: 3, quoted, .. } = frames[0].icmp() else { panic!() };
    assert_eq!(quoted, &request[14..14 + 548]);
    let (ip, payload) = frames[0].ip();
    assert_eq!((ip.dst, payload.len(), ip.tos), (FAR, 556, 0xc0), "RFC 1812 sections 4.3.2.3 and 4.3.2.5");
    assert_eq!(host.count("udp_no_port"), 1);
}

#[test]
fn an_unknown_protocol_is_unreachable() {
    let mut host = Host::new();
    let frames = host.feed(ip_frame(ip_repr(FAR, OWN, 132, 40), &[1; 40]));
    assert!(matches!(frames[0].icmp(), Repr::DstUnreachable { code: 2, .. }));
    assert_eq!(host.count("ip_unknown_protocol"), 1);
}

#[test]
fn no_error_about_broadcasts_errors_and_broken_packets() {
    let mut host = Host::new();
    let broadcast = udp_packet(addr(PEER, 9), addr(NET_BROADCAST, 5000), b"x");
    assert!(host.feed(frame(MacAddr::BROADCAST, PEER_MAC, EtherType::Ipv4, &broadcast)).is_empty());
    // An error that matches nothing.
    let stray = udp_packet(addr(OWN, 1), addr(FAR, 2), b"x");
    assert!(host.feed(icmp_frame(FAR, &dst_unreachable(3, &stray))).is_empty());
    assert_eq!(host.count("icmp_error_unmatched"), 1);
    // A bad checksum, before the port is looked at.
    let mut bad = udp_frame(addr(FAR, 9), addr(OWN, 5000), b"x");
    *bad.last_mut().unwrap() ^= 1;
    assert!(host.feed(bad).is_empty());
    assert_eq!(host.count("udp_bad_checksum"), 1);
}

#[test]
fn codes_reach_a_connected_socket_as_linux_maps_them() {
    let hard = [
        (2, Error::ProtocolUnreachable),
        (3, Error::ConnectionRefused),
        (6, Error::NetUnreachable),
        (7, Error::HostDown),
        (8, Error::NotOnNetwork),
        (9, Error::NetUnreachable),
        (10, Error::HostUnreachable),
        (13, Error::HostUnreachable),
    ];
    for (code, error) in hard {
        let mut host = Host::new();
        let id = host.connected_udp(5000, addr(FAR, 7));
        let quoted = sent(&mut host, id);
        host.feed(icmp_frame(PEER, &dst_unreachable(code, &quoted)));
        let event = host.stack.poll_event().unwrap();
        assert_eq!((event.socket, event.edges), (id, Readiness::ERR));
        assert_eq!(host.stack.readiness(id), Readiness::ERR | Readiness::OUT);
        assert_eq!(host.stack.send_to(host.now, id, None, &[b"y"]), Err(error), "code {code}");
        assert_eq!(host.stack.send_to(host.now, id, None, &[b"y"]), Ok(1), "told once");
    }
}

#[test]
fn soft_errors_are_told_only_with_recverr() {
    for (code, error) in [
        (0, Error::NetUnreachable),
        (1, Error::HostUnreachable),
        (5, Error::NotSupported),
        (12, Error::HostUnreachable),
    ] {
        let mut host = Host::new();
        let id = host.connected_udp(5000, addr(FAR, 7));
        let quoted = sent(&mut host, id);
        host.feed(icmp_frame(PEER, &dst_unreachable(code, &quoted)));
        assert_eq!(host.stack.take_error(id), None, "code {code}");
        let mut options = host.stack.udp_options(id).unwrap();
        options.recverr = true;
        host.stack.set_udp_options(id, options).unwrap();
        host.feed(icmp_frame(PEER, &dst_unreachable(code, &quoted)));
        assert_eq!(host.stack.take_error(id), Some(error));
        host.feed(icmp_frame(PEER, &Repr::TimeExceeded { code: 0, quoted: &quoted }));
        assert_eq!(host.stack.take_error(id), Some(Error::HostUnreachable));
    }
}

#[test]
fn an_unconnected_socket_hears_nothing_without_recverr() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let quoted = sent(&mut host, id);
    host.feed(icmp_frame(FAR, &dst_unreachable(3, &quoted)));
    assert_eq!(host.stack.take_error(id), None);
    let mut options = host.stack.udp_options(id).unwrap();
    options.recverr = true;
    host.stack.set_udp_options(id, options).unwrap();
    host.feed(icmp_frame(FAR, &dst_unreachable(3, &quoted)));
    assert_eq!(host.stack.take_error(id), Some(Error::ConnectionRefused));
}

#[test]
fn an_error_about_another_peer_is_not_ours() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 7));
    let other = udp_packet(addr(OWN, 5000), addr(FAR, 8), b"x");
    host.feed(icmp_frame(FAR, &dst_unreachable(3, &other)));
    let spoofed = udp_packet(addr(PEER, 5000), addr(FAR, 7), b"x");
    host.feed(icmp_frame(FAR, &dst_unreachable(3, &spoofed)));
    assert_eq!(host.stack.take_error(id), None);
    assert_eq!(host.count("icmp_error_unmatched"), 2);
}

#[test]
fn quotes_too_short_to_name_a_socket_are_dropped() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 7));
    let quoted = sent(&mut host, id);
    for len in [0, 10, 20, 27] {
        host.feed(icmp_frame(FAR, &dst_unreachable(3, &quoted[..len])));
    }
    assert_eq!(host.count("icmp_malformed"), 4);
    assert_eq!(host.stack.take_error(id), None);
}

#[test]
fn redirects_and_source_quench_are_ignored() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 7));
    let quoted = sent(&mut host, id);
    let gateway = std::net::Ipv4Addr::new(10, 0, 0, 66);
    host.feed(icmp_frame(PEER, &Repr::Redirect { code: 1, gateway, quoted: &quoted }));
    host.feed(icmp_frame(PEER, &Repr::SourceQuench { quoted: &quoted }));
    assert_eq!((host.count("icmp_redirect_ignored"), host.count("icmp_other_ignored")), (1, 1));
    host.send_to(id, addr(FAR, 7), b"x").unwrap();
    assert_eq!(host.transmit()[0].ethernet().dst, PEER_MAC);
}

#[test]
fn errors_about_fragments_quote_the_first() {
    // A reassembled datagram to a closed port: one error, quoting the reassembled header.
    let mut host = Host::new();
    let datagram = udp_datagram(addr(FAR, 9), addr(OWN, 5000), &body(4000));
    let mut answers = Vec::new();
    for piece in fragments(ip_repr(FAR, OWN, ipv4::PROTO_UDP, 0), &datagram, 1480) {
        answers.extend(host.feed(piece));
    }
    assert_eq!(answers.len(), 1);
    let Repr::DstUnreachable { code: 3, quoted, .. } = answers[0].icmp() else { panic!() };
    assert_eq!(quoted[20..], datagram[..528]);
}
