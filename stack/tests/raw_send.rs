//! What raw sockets send, and what IP_HDRINCL leaves to the stack (raw(7), net/ipv4/raw.c raw_sendmsg).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, MtuDiscover, SendHow, SocketId};
use std::net::Ipv4Addr;

fn header(src: Ipv4Addr, dst: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut packet = packet(ip_repr(src, dst, 89, payload.len()), payload);
    // What the stack fills in: total length, identification, checksum.
    packet[2..6].fill(0);
    packet[10..12].fill(0x55);
    packet
}

fn included(host: &mut Host) -> SocketId {
    let id = host.stack.open_raw(255).unwrap();
    assert_eq!(host.stack.header_included(id), Ok(true), "IPPROTO_RAW has IP_HDRINCL");
    id
}

#[test]
fn any_protocol_gets_a_header_of_the_sockets_settings() {
    let mut host = Host::new();
    let id = host.stack.open_raw(89).unwrap();
    let mut options = host.stack.udp_options(id).unwrap();
    (options.ttl, options.tos) = (9, 0x10);
    host.stack.set_udp_options(id, options).unwrap();
    assert_eq!(host.send_to(id, addr(FAR, 0), b"ospf?"), Ok(5));
    let frames = host.transmit();
    let (ip, payload) = frames[0].ip();
    assert_eq!(
        (ip.protocol, ip.ttl, ip.tos, ip.src, ip.dst, payload),
        (89, 9, 0x10, OWN, FAR, &b"ospf?"[..])
    );
    assert!(ip.dont_fragment);
    assert_eq!(host.count("raw_out"), 1);
}

#[test]
fn large_payloads_are_fragmented_unless_df_was_asked_for() {
    let mut host = Host::new();
    let id = host.stack.open_raw(89).unwrap();
    assert_eq!(host.send_to(id, addr(FAR, 0), &body(65_515)), Ok(65_515));
    assert_eq!(reassemble(&host.transmit(), 1500).1, body(65_515));
    assert_eq!(host.send_to(id, addr(FAR, 0), &body(65_516)), Err(Error::MessageTooLong));
    let mut options = host.stack.udp_options(id).unwrap();
    options.mtu_discover = MtuDiscover::Do;
    host.stack.set_udp_options(id, options).unwrap();
    assert_eq!(host.send_to(id, addr(FAR, 0), &body(1480)), Ok(1480));
    assert_eq!(host.send_to(id, addr(FAR, 0), &body(1481)), Err(Error::MessageTooLong));
}

#[test]
fn a_header_of_the_user_is_completed_only_where_it_is_empty() {
    let mut host = Host::new();
    let id = included(&mut host);
    host.send_to(id, addr(PEER, 0), &header(Ipv4Addr::UNSPECIFIED, FAR, b"abc")).unwrap();
    let frames = host.transmit();
    let (ip, payload) = frames[0].ip();
    assert_eq!((ip.src, ip.dst, ip.protocol, ip.ttl, payload), (OWN, FAR, 89, 61, &b"abc"[..]));
    assert_eq!(frames[0].ethernet().dst, PEER_MAC, "the call says where it goes, not the header");
    // Given ones stay: a source that is not ours, an identification.
    let mut own = header(FAR, PEER, b"abc");
    own[4..6].copy_from_slice(&[0x12, 0x34]);
    host.send_to(id, addr(PEER, 0), &own).unwrap();
    let frames = host.transmit();
    assert_eq!((frames[0].ip().0.src, frames[0].ip().0.ident), (FAR, 0x1234));
    // With DF an identification of 0 stays as well (ip_select_ident).
    let mut own = header(OWN, PEER, b"abc");
    own[6] = 0x40;
    host.send_to(id, addr(PEER, 0), &own).unwrap();
    assert_eq!(host.transmit()[0].ip().0.ident, 0);
}

#[test]
fn a_header_of_the_user_must_be_whole_and_fit_the_device() {
    let mut host = Host::new();
    let id = included(&mut host);
    let to = addr(PEER, 0);
    assert_eq!(host.send_to(id, to, &[0x45; 19]), Err(Error::InvalidArgument));
    assert_eq!(host.send_to(id, to, &[0x4f; 59]), Err(Error::InvalidArgument));
    assert_eq!(host.send_to(id, to, &header(OWN, PEER, &body(1480))), Ok(1500));
    assert_eq!(host.send_to(id, to, &header(OWN, PEER, &body(1481))), Err(Error::MessageTooLong));
    assert_eq!(host.transmit().len(), 1);
    assert_eq!(host.send_to(id, to, &[0x44; 24]), Err(Error::InvalidArgument));
}

#[test]
fn the_first_error_is_the_kernels() {
    let mut host = Host::new();
    let id = host.stack.open_raw(1).unwrap();
    assert_eq!(host.stack.send_to(host.now, id, None, &[b"12345678"]), Err(Error::DestinationRequired));
    assert_eq!(host.send_to(id, addr(FAR, 0), b"1"), Err(Error::BadAddress));
    assert_eq!(host.send_to(id, addr(NET_BROADCAST, 0), b"12345678"), Err(Error::PermissionDenied));
    let empty = host.stack.open_raw(89).unwrap();
    assert_eq!(host.send_to(empty, addr(FAR, 0), b""), Ok(0));
    assert!(host.transmit().is_empty(), "nothing is nothing");
}

#[test]
fn msg_more_puts_payloads_together() {
    let mut host = Host::new();
    let id = host.stack.open_raw(89).unwrap();
    let more = SendHow { more: true, ..SendHow::default() };
    assert_eq!(host.stack.send_with(host.now, id, Some(addr(FAR, 0)), &[b"ab"], more), Ok(2));
    assert!(host.transmit().is_empty());
    assert_eq!(host.send_to(id, addr(PEER, 0), b"cd"), Ok(2));
    let frames = host.transmit();
    assert_eq!((frames[0].ip().0.dst, frames[0].ip().1), (FAR, &b"abcd"[..]));
}

#[test]
fn to_ourselves_it_never_leaves() {
    let mut host = Host::new();
    let id = host.stack.open_raw(89).unwrap();
    let own = included(&mut host);
    host.send_to(id, addr(OWN, 0), b"me").unwrap();
    host.send_to(own, addr(OWN, 0), &header(OWN, OWN, b"me too")).unwrap();
    assert!(host.transmit().is_empty());
    assert_eq!(host.recv(id).unwrap().0[20..], *b"me");
    assert_eq!(host.recv(id).unwrap().0[20..], *b"me too");
    assert_eq!(host.recv(own), Err(Error::WouldBlock), "IPPROTO_RAW is for sending");
}
