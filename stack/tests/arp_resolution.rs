//! Packets wait for the answer to an ARP request; three requests without one and the senders are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::tcp::{Flags, Options, Repr};
use matnet_stack::wire::{ChecksumMode, SeqNumber, ethernet, ipv4};
use matnet_stack::{Error, Kind, MacAddr, Readiness, SendHow, SocketId, TcpState};

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

/// A connection to the neighbour, and what the peer acknowledges next.
fn connection(host: &mut Host) -> (SocketId, Repr) {
    let id = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, id, addr(PEER, 80)), Err(Error::InProgress));
    let syn = tcp(host.transmit().last().unwrap());
    let answer = Repr {
        src_port: 80,
        dst_port: syn.src_port,
        seq: SeqNumber(1000),
        ack: syn.seq + 1usize,
        flags: Flags::SYN | Flags::ACK,
        window: 60_000,
        urgent: 0,
        options: Options { mss: Some(1460), ..Options::default() },
    };
    host.feed(segment(PEER_MAC, &answer));
    assert_eq!(host.stack.tcp_state(id), TcpState::Established);
    (id, Repr { seq: SeqNumber(1001), flags: Flags::ACK, options: Options::default(), ..answer })
}

fn tcp(frame: &Frame) -> Repr {
    let (ip, payload) = frame.ip();
    Repr::parse(payload, ip.src, ip.dst, true).unwrap().0
}

fn segment(from: MacAddr, repr: &Repr) -> Vec<u8> {
    let mut bytes = Vec::new();
    repr.emit(&mut bytes, PEER, OWN, &[], ChecksumMode::Full);
    let whole = packet(ip_repr(PEER, OWN, ipv4::PROTO_TCP, bytes.len()), &bytes);
    frame(OWN_MAC, from, ethernet::EtherType::Ipv4, &whole)
}

/// RFC 1122 section 2.3.2.1, RFC 4861 section 7.3.1: forward progress of TCP confirms the neighbour.
#[test]
fn a_neighbour_that_acknowledges_is_not_asked_again() {
    let mut host = Host::with(config());
    host.transmit();
    host.feed(arp_request(PEER_MAC, PEER, OWN));
    let (id, mut ack) = connection(&mut host);
    let before = host.count("arp_requests_out");
    for _ in 0..60 {
        host.stack.send(host.now, id, b"x", false).unwrap();
        assert_eq!(host.transmit().len(), 1);
        ack.ack += 1usize;
        host.feed(segment(PEER_MAC, &ack));
        host.advance(secs(3));
    }
    assert_eq!(host.count("arp_requests_out"), before);
}

/// Linux: MSG_CONFIRM.
#[test]
fn a_sender_that_knows_better_is_believed() {
    let mut host = Host::with(config());
    host.transmit();
    host.feed(arp_request(PEER_MAC, PEER, OWN));
    let id = host.udp(5000);
    let before = host.count("arp_requests_out");
    let how = SendHow { confirm: true, ..SendHow::default() };
    for _ in 0..60 {
        host.stack.send_with(host.now, id, Some(addr(PEER, 7)), &[b"x"], how).unwrap();
        host.advance(secs(3));
    }
    assert_eq!(host.count("arp_requests_out"), before);
}

/// A neighbour that does not answer the unicast probes is given up, asked for anew by broadcast, and found under a new hardware
/// address: the connection goes on.
#[test]
fn a_connection_survives_a_change_of_the_peers_hardware() {
    const NEW: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x77]);
    let mut host = Host::new();
    let (id, mut ack) = connection(&mut host);
    host.stack.send(host.now, id, b"abc", false).unwrap();
    host.transmit();
    ack.ack += 3usize;
    host.feed(segment(PEER_MAC, &ack));
    // Silence: stale. Then data, which nobody acknowledges: delay, probe, failed, and a broadcast.
    host.advance(secs(60));
    host.stack.send(host.now, id, b"def", false).unwrap();
    let mut frames = host.transmit();
    frames.extend(host.advance(secs(20)));
    let asked: Vec<MacAddr> = frames.iter().filter(|f| f.arp().is_some()).map(|f| f.ethernet().dst).collect();
    assert_eq!(asked[..4], [PEER_MAC, PEER_MAC, PEER_MAC, MacAddr::BROADCAST]);
    assert_eq!(host.stack.tcp_state(id), TcpState::Established);
    let mut moved = false;
    for _ in 0..120 {
        let mut frames = host.advance(secs(1));
        if frames.iter().any(|f| f.arp().is_some() && f.ethernet().dst == MacAddr::BROADCAST) {
            frames.extend(host.feed(arp_reply(NEW, PEER)));
        }
        moved |= frames.iter().any(|f| f.arp().is_none() && f.ethernet().dst == NEW);
    }
    assert!(moved, "what is sent again goes to the new address");
    ack.ack += 3usize;
    host.feed(segment(NEW, &ack));
    assert_eq!(host.stack.tcp_info(host.now, id).unwrap().bytes_in_flight, 0);
}

/// RFC 826: an announcement (and any request for us) moves a known neighbour at once.
#[test]
fn an_announcement_moves_a_connection_at_once() {
    const NEW: MacAddr = MacAddr([2, 0, 0, 0, 0, 0x77]);
    let mut host = Host::new();
    let (id, _) = connection(&mut host);
    host.advance(secs(2));
    host.feed(arp_request(NEW, PEER, PEER));
    host.stack.send(host.now, id, b"abc", false).unwrap();
    assert_eq!(host.transmit()[0].ethernet().dst, NEW);
}
