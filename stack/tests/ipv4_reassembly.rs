//! Fragments are put together, within limits of time and memory; see RFC 791, RFC 815, RFC 1122 section 3.3.2, RFC 5722.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::Error;
use matnet_stack::wire::{icmpv4, ipv4};

fn pieces(ident: u16, data: &[u8]) -> Vec<Vec<u8>> {
    let datagram = udp_datagram(addr(PEER, 9), addr(OWN, 5000), data);
    let repr = ipv4::Repr { ident, ..ip_repr(PEER, OWN, ipv4::PROTO_UDP, 0) };
    fragments(repr, &datagram, 1480)
}

#[test]
fn any_order_will_do() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let data = body(65_507);
    let mut frames = pieces(1, &data);
    frames.reverse();
    frames.swap(3, 20);
    for frame in frames {
        assert!(host.recv(id).is_err());
        host.feed(frame);
    }
    assert_eq!(host.recv(id).unwrap().0, data);
    assert_eq!(host.count("ip_reassembled"), 1);
    assert_eq!(host.stack.poll_timeout(), None);
}

#[test]
fn the_checksum_covers_the_whole() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let mut frames = pieces(1, &body(4000));
    let last = frames[1].len() - 1;
    frames[1][last] ^= 1;
    for frame in frames {
        host.feed(frame);
    }
    assert_eq!(host.recv(id), Err(Error::WouldBlock));
    assert_eq!(host.count("udp_bad_checksum"), 1);
}

#[test]
fn a_missing_fragment_is_complained_about_after_thirty_seconds() {
    let mut host = Host::new();
    host.udp(5000);
    let frames = pieces(1, &body(4000));
    host.feed(frames[0].clone());
    host.advance(secs(10));
    host.feed(frames[2].clone());
    assert!(host.advance(millis(19_999)).is_empty());
    let answer = host.advance(millis(1));
    assert_eq!(answer.len(), 1);
    let icmpv4::Repr::TimeExceeded { code: 1, quoted } = answer[0].icmp() else { panic!() };
    assert_eq!(quoted[..28], frames[0][14..42]);
    assert_eq!(host.count("ip_reassembly_timeout"), 1);
}

#[test]
fn without_the_first_fragment_nobody_is_told() {
    let mut host = Host::new();
    host.feed(pieces(1, &body(4000))[1].clone());
    assert!(host.advance(secs(31)).is_empty());
    assert_eq!(host.count("ip_reassembly_timeout"), 1);
}

#[test]
fn an_overlap_drops_the_datagram() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let frames = pieces(1, &body(4000));
    host.feed(frames[0].clone());
    let evil = ipv4::Repr {
        ident: 1,
        more_fragments: true,
        fragment_offset: 1472,
        ..ip_repr(PEER, OWN, ipv4::PROTO_UDP, 64)
    };
    host.feed(ip_frame(evil, &[0x66; 64]));
    assert_eq!(host.count("ip_reassembly_overlap"), 1);
    host.feed(frames[1].clone());
    host.feed(frames[2].clone());
    assert!(host.recv(id).is_err());
    // A repetition is none.
    for frame in pieces(2, &body(4000)).iter().flat_map(|frame| [frame, frame]).take(5) {
        host.feed(frame.clone());
    }
    assert_eq!(host.recv(id).unwrap().0, body(4000));
    assert_eq!(host.count("ip_reassembly_duplicate"), 2);
}

#[test]
fn a_flood_of_halves_is_bounded_and_ends_with_its_time() {
    let mut host = Host::new();
    let id = host.udp(5000);
    for ident in 0..5000 {
        host.feed(pieces(ident, &body(2000))[0].clone());
    }
    assert_eq!(host.count("ip_reassembly_memory"), 5000 - 64);
    for frame in pieces(6000, &body(3000)) {
        host.feed(frame);
    }
    assert_eq!(host.recv(id).unwrap().0, body(3000), "the newest gets through");
    host.advance(secs(31));
    assert_eq!(host.stack.poll_timeout(), None);
}
