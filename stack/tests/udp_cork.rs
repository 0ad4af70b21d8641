//! UDP_CORK and MSG_MORE: several sends are one datagram (udp(7)).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, Kind, SendHow, SocketId};
use std::net::SocketAddr;

const MORE: SendHow = SendHow {
    segment: None,
    more: true,
    ttl: None,
    tos: None,
    source: None,
    unreadable: false,
    dont_route: false,
    confirm: false,
};

fn more(host: &mut Host, id: SocketId, to: Option<SocketAddr>, data: &[u8]) -> matnet_stack::Result<usize> {
    host.stack.send_with(host.now, id, to, &[data], MORE)
}

fn cork(host: &mut Host, id: SocketId, on: bool) {
    let mut options = host.stack.udp_options(id).unwrap();
    options.cork = on;
    host.stack.set_udp_options(id, options).unwrap();
    if !on {
        host.stack.uncork(host.now, id);
    }
}

#[test]
fn the_last_part_sends_the_whole_to_where_the_first_went() {
    let mut host = Host::new();
    let id = host.udp(5000);
    assert_eq!(more(&mut host, id, Some(addr(PEER, 7)), b"one "), Ok(4));
    assert_eq!(more(&mut host, id, None, b"two "), Ok(4));
    assert!(host.transmit().is_empty());
    assert_eq!(host.send_to(id, addr(FAR, 9), b"three"), Ok(5));
    let frames = host.transmit();
    let (repr, payload) = frames[0].udp();
    assert_eq!((frames.len(), payload, repr.dst_port), (1, &b"one two three"[..], 7));
    assert_eq!(frames[0].ip().0.dst, PEER);
    host.send_to(id, addr(PEER, 8), b"alone").unwrap();
    assert_eq!(host.transmit()[0].udp().1, b"alone");
}

#[test]
fn a_cork_holds_until_it_is_taken_out() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(PEER, 7));
    cork(&mut host, id, true);
    for part in [&b"a"[..], b"", b"bc"] {
        assert_eq!(host.stack.send_to(host.now, id, None, &[part]), Ok(part.len()));
    }
    assert!(host.transmit().is_empty());
    cork(&mut host, id, false);
    let frames = host.transmit();
    assert_eq!((frames.len(), frames[0].udp().1), (1, &b"abc"[..]));
    cork(&mut host, id, false);
    assert!(host.transmit().is_empty(), "nothing was left");
}

#[test]
fn what_grows_too_large_is_lost_as_a_whole() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(PEER, 7));
    more(&mut host, id, None, &body(65_000)).unwrap();
    assert_eq!(more(&mut host, id, None, &body(508)), Err(Error::MessageTooLong));
    host.stack.send_to(host.now, id, None, &[b"next"]).unwrap();
    let frames = host.transmit();
    assert_eq!((frames.len(), frames[0].udp().1), (1, &b"next"[..]));
    let mut options = host.stack.udp_options(id).unwrap();
    options.mtu_discover = matnet_stack::MtuDiscover::Do;
    host.stack.set_udp_options(id, options).unwrap();
    more(&mut host, id, None, &body(1472)).unwrap();
    assert_eq!(host.stack.send_to(host.now, id, None, &[b"x"]), Err(Error::MessageTooLong));
}

#[test]
fn a_full_send_buffer_takes_the_last_part_again() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(PEER, 7));
    let mut options = host.stack.udp_options(id).unwrap();
    options.sndbuf = 1000;
    host.stack.set_udp_options(id, options).unwrap();
    host.wire.room = Some(0);
    for _ in 0..3 {
        let _ = host.stack.send_to(host.now, id, None, &[&body(500)]);
        host.transmit();
    }
    more(&mut host, id, None, b"begin ").unwrap();
    for _ in 0..2 {
        assert_eq!(host.stack.send_to(host.now, id, None, &[b"end"]), Err(Error::WouldBlock));
    }
    host.wire.room = None;
    host.transmit();
    host.stack.send_to(host.now, id, None, &[b"end"]).unwrap();
    assert_eq!(host.transmit()[0].udp().1, b"begin end");
}

#[test]
fn segments_are_cut_from_the_whole() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(PEER, 7));
    let first = SendHow { segment: Some(10), ..MORE };
    host.stack.send_with(host.now, id, None, &[&body(15)], first).unwrap();
    host.stack.send_to(host.now, id, None, &[&body(10)]).unwrap();
    let lens: Vec<usize> = host.transmit().iter().map(|frame| frame.udp().1.len()).collect();
    assert_eq!(lens, [10, 10, 5]);
}

#[test]
fn what_is_not_finished_goes_with_the_socket() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(PEER, 7));
    more(&mut host, id, None, b"never").unwrap();
    host.stack.close(host.now, id);
    assert!(host.transmit().is_empty() && !host.stack.pending_output());
    let id = host.stack.open(Kind::Udp).unwrap();
    assert_eq!(more(&mut host, id, None, b"x"), Err(Error::DestinationRequired));
    host.send_to(id, addr(PEER, 7), b"y").unwrap();
    assert_eq!(host.transmit()[0].udp().1, b"y");
}
