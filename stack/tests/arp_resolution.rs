//! Packets wait for the answer to an ARP request; three requests without one and the senders are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, Kind, MacAddr, Readiness, TcpState};

fn unresolved() -> Host {
    let mut host = Host::with(config());
    host.transmit();
    host
}

#[test]
fn datagrams_wait_and_leave_in_order() {
    let mut host = unresolved();
    let id = host.udp(5000);
    for n in 0..3 {
        host.send_to(id, addr(FAR, 7), &[n]).unwrap();
    }
    let frames = host.transmit();
    assert_eq!(frames.len(), 1, "one request for all three");
    assert_eq!(frames[0].ethernet().dst, MacAddr::BROADCAST);
    assert_eq!(frames[0].arp().unwrap().tpa, PEER, "the router is asked for");
    assert!(host.stack.pending_output());
    let frames = host.feed(arp_reply(PEER_MAC, PEER));
    assert_eq!(frames.iter().map(|f| f.udp().1[0]).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(frames.iter().all(|f| f.ethernet().dst == PEER_MAC));
    assert!(!host.stack.pending_output());
    assert_eq!(host.stack.poll_timeout(), None);
}

#[test]
fn three_requests_then_unconnected_senders_with_recverr_learn_of_it() {
    let mut host = unresolved();
    let plain = host.connected_udp(5000, addr(PEER, 7));
    let recverr = host.udp(5001);
    let mut options = host.stack.udp_options(recverr).unwrap();
    options.recverr = true;
    host.stack.set_udp_options(recverr, options).unwrap();
    host.stack.send_to(host.now, plain, None, &[b"x"]).unwrap();
    host.send_to(recverr, addr(PEER, 7), b"x").unwrap();
    assert_eq!(host.transmit().len(), 1);
    assert_eq!(host.advance(millis(2999)).len(), 2);
    assert!(host.advance(millis(1)).is_empty());
    assert_eq!(host.count("neighbor_failed"), 1);
    assert_eq!(host.count("arp_requests_out"), 3);
    // A soft error, so only IP_RECVERR tells of it (Linux __udp4_lib_err).
    assert_eq!(host.stack.take_error(plain), None);
    assert!(host.stack.readiness(recverr).contains(Readiness::ERR));
    assert_eq!(host.recv(recverr), Err(Error::HostUnreachable));
    assert_eq!(host.recv(recverr), Err(Error::WouldBlock));
}

#[test]
fn a_connection_attempt_to_an_absent_neighbour_fails_with_no_route_to_host() {
    let mut host = unresolved();
    let id = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, id, addr(PEER, 80)), Err(Error::InProgress));
    host.transmit();
    host.advance(secs(4));
    assert_eq!(host.stack.take_error(id), Some(Error::HostUnreachable));
    assert_eq!(host.stack.tcp_state(id), TcpState::Closed);
}

#[test]
fn a_busy_neighbour_is_asked_again_by_unicast() {
    let mut host = Host::with(config());
    host.transmit();
    let id = host.udp(5000);
    host.send_to(id, addr(PEER, 7), b"x").unwrap();
    host.transmit();
    host.feed(arp_reply(PEER_MAC, PEER));
    let mut asked = Vec::new();
    for _ in 0..40 {
        host.send_to(id, addr(PEER, 7), b"x").unwrap();
        let frames = host.advance(secs(1));
        assert!(frames.iter().any(|f| f.arp().is_none()), "traffic goes on");
        asked.extend(frames.into_iter().filter(|f| f.arp().is_some()));
        if !asked.is_empty() && host.stack.poll_timeout().is_some() {
            host.feed(arp_reply(PEER_MAC, PEER));
        }
    }
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].ethernet().dst, PEER_MAC);
}

#[test]
fn a_flood_to_an_absent_neighbour_is_bounded() {
    let mut host = unresolved();
    let id = host.udp(5000);
    for n in 0..1000u32 {
        host.send_to(id, addr(PEER, 7), &n.to_be_bytes()).unwrap();
        host.transmit();
    }
    let frames = host.feed(arp_reply(PEER_MAC, PEER));
    assert!(frames.len() < 200, "{}", frames.len());
    assert_eq!(frames.last().unwrap().udp().1, 999u32.to_be_bytes(), "the newest are kept");
    assert_eq!(host.count("neighbor_pending_dropped"), 1000 - frames.len() as u64);
}
