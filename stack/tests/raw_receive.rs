//! Raw sockets hear copies of whole packets (raw(7), net/ipv4/raw.c raw_v4_input).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::icmpv4::Repr;
use matnet_stack::wire::{ethernet, ipv4};
use matnet_stack::{Error, SocketId};
use std::net::Ipv4Addr;

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn raw(host: &mut Host, protocol: u16) -> SocketId {
    host.stack.open_raw(protocol).unwrap()
}

fn payload_of(packet: &[u8]) -> &[u8] {
    let (repr, len) = ipv4::Repr::parse(packet).unwrap();
    assert_eq!(packet.len(), len + repr.payload_len);
    &packet[len..]
}

#[test]
fn every_socket_of_the_protocol_gets_the_packet_with_its_header() {
    let mut host = Host::new();
    let (a, b, other) = (raw(&mut host, 89), raw(&mut host, 89), raw(&mut host, 90));
    let answer = host.feed(ip_frame(ip_repr(FAR, OWN, 89, 5), b"hello"));
    assert!(answer.is_empty(), "a protocol that somebody takes is not unreachable");
    for id in [a, b] {
        let (packet, from) = host.recv(id).unwrap();
        assert_eq!((from, payload_of(&packet)), (addr(FAR, 0), &b"hello"[..]));
        assert_eq!(host.recv(id), Err(Error::WouldBlock));
    }
    assert_eq!(host.recv(other), Err(Error::WouldBlock));
    assert_eq!(host.count("raw_in"), 2);
    host.stack.close(host.now, a);
    host.stack.close(host.now, b);
    let answer = host.feed(ip_frame(ip_repr(FAR, OWN, 89, 5), b"hello"));
    assert_eq!(answer.len(), 1, "nobody is left: protocol unreachable");
}

#[test]
fn fragments_come_as_one_packet() {
    let mut host = Host::new();
    let id = raw(&mut host, 89);
    for fragment in fragments(ip_repr(FAR, OWN, 89, 4000), &body(4000), 1480) {
        host.feed(fragment);
    }
    let (packet, _) = host.recv(id).unwrap();
    let (repr, _) = ipv4::Repr::parse(&packet).unwrap();
    assert!(!repr.is_fragment());
    assert_eq!(payload_of(&packet), body(4000));
}

#[test]
fn bound_and_connected_sockets_hear_less() {
    let mut host = Host::new();
    let (bound, elsewhere, connected) = (raw(&mut host, 89), raw(&mut host, 89), raw(&mut host, 89));
    host.stack.bind(host.now, bound, addr(OWN, 7)).unwrap();
    assert_eq!(host.stack.local_addr(bound), Some(addr(OWN, 89)), "the port is the protocol");
    host.stack.bind(host.now, elsewhere, addr(NET_BROADCAST, 0)).unwrap();
    host.stack.connect(host.now, connected, addr(PEER, 0)).unwrap();
    host.feed(ip_frame(ip_repr(FAR, OWN, 89, 1), b"x"));
    assert!(host.recv(bound).is_ok());
    assert!(host.recv(elsewhere).is_err() && host.recv(connected).is_err());
    host.feed(ip_frame(ip_repr(PEER, OWN, 89, 1), b"y"));
    assert!(host.recv(connected).is_ok());
    // Again and again, but not when connected; dissolving the association loses address and protocol (__udp_disconnect).
    assert_eq!(host.stack.bind(host.now, bound, addr(ANY, 0)), Ok(()));
    assert_eq!(host.stack.bind(host.now, connected, addr(ANY, 0)), Err(Error::InvalidArgument));
    host.stack.disconnect(host.now, connected).unwrap();
    assert_eq!(host.stack.local_addr(connected), Some(addr(ANY, 0)));
    host.feed(ip_frame(ip_repr(PEER, OWN, 89, 1), b"z"));
    assert!(host.recv(connected).is_err());
    assert_eq!(host.send_to(connected, addr(PEER, 0), b"still 89"), Ok(8));
    assert_eq!(host.transmit()[0].ip().0.protocol, 89);
    assert_eq!(host.stack.bind(host.now, bound, addr(FAR, 0)), Err(Error::AddrNotAvailable));
}

#[test]
fn the_icmp_filter_keeps_types_away_and_the_stack_answers_all_the_same() {
    let mut host = Host::new();
    let (all, filtered) = (raw(&mut host, 1), raw(&mut host, 1));
    host.stack.set_icmp_filter(filtered, !(1 << 0)).unwrap();
    assert_eq!(host.stack.icmp_filter(filtered), Ok(!1));
    let request = Repr::EchoRequest { ident: 1, seq: 2, data: b"abc" };
    assert_eq!(host.feed(icmp_frame(FAR, &request)).len(), 1);
    assert!(host.recv(all).is_ok() && host.recv(filtered).is_err());
    host.feed(icmp_frame(FAR, &Repr::EchoReply { ident: 1, seq: 2, data: b"abc" }));
    assert!(host.recv(all).is_ok() && host.recv(filtered).is_ok());
    // Types from 32 on pass.
    host.feed(icmp_frame(FAR, &Repr::Other { kind: 42, code: 0 }));
    assert!(host.recv(filtered).is_ok());
    let udp = raw(&mut host, 17);
    assert_eq!(host.stack.icmp_filter(udp), Err(Error::NotSupported));
    assert_eq!(host.stack.set_icmp_filter(udp, 0), Err(Error::NotSupported));
}

#[test]
fn a_bad_checksum_of_the_payload_does_not_matter() {
    let mut host = Host::new();
    let id = raw(&mut host, 1);
    host.feed(ip_frame(ip_repr(FAR, OWN, 1, 8), &[0, 0, 0xff, 0xff, 0, 0, 0, 9]));
    assert!(host.recv(id).is_ok());
    assert_eq!(host.count("icmp_bad_checksum"), 1);
}

#[test]
fn udp_and_tcp_are_served_beside_it() {
    let mut host = Host::new();
    let (udp, tcp, socket) = (raw(&mut host, 17), raw(&mut host, 6), host.udp(7));
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 7), b"data"));
    assert_eq!(payload_of(&host.recv(udp).unwrap().0)[8..], *b"data");
    assert_eq!(host.recv(socket).unwrap().0, b"data");
    // A SYN to a port of nobody's: copied, and reset.
    let mut syn = vec![0, 9, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 1, 0, 0, 0, 0, 0];
    let pseudo = matnet_stack::wire::checksum::pseudo_header_v4(FAR, OWN, 6, 20);
    let sum = matnet_stack::wire::checksum::combine(pseudo, matnet_stack::wire::checksum::sum(&syn));
    syn[16..18].copy_from_slice(&(!matnet_stack::wire::checksum::fold(sum)).to_be_bytes());
    let answer = host.feed(ip_frame(ip_repr(FAR, OWN, 6, 20), &syn));
    assert_eq!(answer[0].ip().1[13] & 0x04, 0x04, "RST");
    assert_eq!(payload_of(&host.recv(tcp).unwrap().0), syn);
}

#[test]
fn a_full_queue_drops() {
    let mut host = Host::new();
    let id = raw(&mut host, 89);
    let mut options = host.stack.udp_options(id).unwrap();
    options.rcvbuf = 4096;
    host.stack.set_udp_options(id, options).unwrap();
    let frame = frame(
        OWN_MAC,
        PEER_MAC,
        ethernet::EtherType::Ipv4,
        &packet(ip_repr(FAR, OWN, 89, 1000), &body(1000)),
    );
    (0..20).for_each(|_| drop(host.feed(frame.clone())));
    assert!(host.count("raw_queue_full") > 10);
    assert_eq!(host.count("raw_in") + host.count("raw_queue_full"), 20);
}
