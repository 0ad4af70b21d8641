//! RFC 826: who asks for us is answered and learnt; nobody else is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::arp::{Operation, Repr};
use matnet_stack::{Kind, MacAddr};
use std::net::Ipv4Addr;

#[test]
fn a_request_for_our_address_is_answered_to_the_asker() {
    let mut host = Host::with(config());
    host.transmit();
    let frames = host.feed(arp_request(PEER_MAC, PEER, OWN));
    assert_eq!(frames.len(), 1);
    assert_eq!((frames[0].ethernet().dst, frames[0].ethernet().src), (PEER_MAC, OWN_MAC));
    let expected = Repr { operation: Operation::Reply, sha: OWN_MAC, spa: OWN, tha: PEER_MAC, tpa: PEER };
    assert_eq!(frames[0].arp(), Some(expected));
}

#[test]
fn the_asker_is_known_from_then_on() {
    let mut host = Host::new();
    let id = host.udp(5000);
    host.send_to(id, addr(PEER, 7), b"x").unwrap();
    let frames = host.transmit();
    assert_eq!(frames.len(), 1, "no request was needed");
    assert_eq!(frames[0].ethernet().dst, PEER_MAC);
}

#[test]
fn requests_for_others_and_unsolicited_replies_teach_nothing() {
    let mut host = Host::with(config());
    host.transmit();
    assert!(host.feed(arp_request(PEER_MAC, PEER, Ipv4Addr::new(10, 0, 0, 9))).is_empty());
    assert!(host.feed(arp_reply(PEER_MAC, PEER)).is_empty());
    assert_eq!(host.count("arp_ignored"), 2);
    let id = host.udp(5000);
    host.send_to(id, addr(PEER, 7), b"x").unwrap();
    let frames = host.transmit();
    assert_eq!(frames.len(), 1);
    assert!(frames[0].arp().is_some(), "has to ask");
}

#[test]
fn an_asker_off_the_link_is_answered_but_not_learnt() {
    let mut host = Host::new();
    let frames = host.feed(arp_request(MacAddr([2, 9, 9, 9, 9, 9]), FAR, OWN));
    assert_eq!(frames.len(), 1);
    let id = host.udp(5000);
    host.send_to(id, addr(FAR, 7), b"x").unwrap();
    assert_eq!(host.transmit()[0].ethernet().dst, PEER_MAC, "through the router");
}

#[test]
fn a_probe_is_answered() {
    // RFC 5227 section 2.1.1: the sender has no address yet.
    let mut host = Host::new();
    let frames = host.feed(arp_request(MacAddr([2, 9, 9, 9, 9, 9]), Ipv4Addr::UNSPECIFIED, OWN));
    assert_eq!(frames[0].arp().unwrap().spa, OWN);
    assert!(host.stack.poll_log().is_none());
}

#[test]
fn nonsense_is_dropped_and_counted() {
    let mut host = Host::new();
    assert!(host.feed(arp_request(MacAddr::BROADCAST, PEER, OWN)).is_empty());
    assert!(host.feed(arp_request(PEER_MAC, Ipv4Addr::BROADCAST, OWN)).is_empty());
    let mut short = arp_request(PEER_MAC, PEER, OWN);
    short.truncate(40);
    assert!(host.feed(short).is_empty());
    assert_eq!((host.count("arp_bad_sender"), host.count("arp_malformed")), (1, 1));
    assert_eq!(host.count("frame_bad_source"), 1);
}

#[test]
fn idle_costs_no_timer() {
    let mut host = Host::new();
    assert_eq!(host.stack.poll_timeout(), None);
    let id = host.stack.open(Kind::Udp).unwrap();
    host.send_to(id, addr(PEER, 7), b"x").unwrap();
    host.transmit();
    assert_eq!(host.stack.poll_timeout(), None);
}
