//! What goes with a datagram beside its bytes: header fields of one send, what a receive is told, and the error queue (ip(7)).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::icmpv4::Repr;
use matnet_stack::{Error, ErrorOrigin, MtuDiscover, Readiness, SendHow, SocketId};

fn send(host: &mut Host, id: SocketId, how: SendHow) -> matnet_stack::Result<usize> {
    host.stack.send_with(host.now, id, Some(addr(PEER, 7)), &[b"hello"], how)
}

#[test]
fn one_send_differs_and_the_next_does_not() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let how = SendHow { ttl: Some(3), tos: Some(0x28), ..SendHow::default() };
    send(&mut host, id, how).unwrap();
    send(&mut host, id, SendHow::default()).unwrap();
    let frames = host.transmit();
    let fields: Vec<_> = frames.iter().map(|f| (f.ip().0.ttl, f.ip().0.tos)).collect();
    assert_eq!(fields, [(3, 0x28), (64, 0)]);
}

#[test]
fn corked_parts_leave_as_the_first_send_said() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let more = SendHow { more: true, ttl: Some(9), ..SendHow::default() };
    send(&mut host, id, more).unwrap();
    send(&mut host, id, SendHow { ttl: Some(10), ..SendHow::default() }).unwrap();
    let frames = host.transmit();
    assert_eq!((frames.len(), frames[0].ip().0.ttl, frames[0].udp().1), (1, 9, &b"hellohello"[..]));
}

#[test]
fn bytes_that_cannot_be_read_are_found_after_everything_else() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let how = SendHow { unreadable: true, ..SendHow::default() };
    assert_eq!(host.stack.send_with(host.now, id, None, &[b"x"], how), Err(Error::DestinationRequired));
    assert_eq!(send(&mut host, id, how), Err(Error::BadAddress));
    // What was begun is lost with them.
    send(&mut host, id, SendHow { more: true, ..SendHow::default() }).unwrap();
    assert_eq!(send(&mut host, id, how), Err(Error::BadAddress));
    send(&mut host, id, SendHow::default()).unwrap();
    let frames = host.transmit();
    assert_eq!((frames.len(), frames[0].udp().1), (1, &b"hello"[..]));
}

#[test]
fn a_receive_is_told_of_the_time_the_port_and_the_fragments() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let datagram = udp_datagram(addr(FAR, 9), addr(OWN, 5000), &body(2000));
    for fragment in fragments(ip_repr(FAR, OWN, 17, datagram.len()), &datagram, 1000) {
        host.feed(fragment);
    }
    let at = host.now;
    host.advance(secs(1));
    let meta = host.stack.recv_from(id, &mut [0; 4000], false).unwrap();
    assert_eq!((meta.len, meta.to_port, meta.at, meta.drops), (2000, 5000, at, 0));
    assert_eq!(meta.largest_fragment, 1020, "header and 1000 bytes");
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"whole"));
    assert_eq!(host.stack.recv_from(id, &mut [0; 9], false).unwrap().largest_fragment, 0);
}

#[test]
fn drops_are_counted_and_told_with_what_comes_after_them() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let mut options = host.stack.udp_options(id).unwrap();
    options.rcvbuf = 2304;
    host.stack.set_udp_options(id, options).unwrap();
    for _ in 0..20 {
        host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), &[0; 1000]));
    }
    let mut taken = 0;
    while host.recv(id).is_ok() {
        taken += 1;
    }
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"x"));
    assert_eq!(host.stack.recv_from(id, &mut [0; 9], false).unwrap().drops, 20 - taken);
}

fn with_errors(host: &mut Host, port: u16) -> SocketId {
    let id = host.udp(port);
    let mut options = host.stack.udp_options(id).unwrap();
    options.recverr = true;
    host.stack.set_udp_options(id, options).unwrap();
    id
}

#[test]
fn an_icmp_error_is_kept_with_what_it_quotes() {
    let mut host = Host::new();
    let id = with_errors(&mut host, 5000);
    host.send_to(id, addr(FAR, 33_434), b"probe").unwrap();
    let frames = host.transmit();
    let quoted = &frames[0].bytes[14..];
    host.feed(icmp_frame(PEER, &Repr::TimeExceeded { code: 0, quoted }));
    assert!(host.stack.readiness(id).contains(Readiness::ERR));
    assert_eq!(host.stack.take_error(id), Some(Error::HostUnreachable));
    assert!(host.stack.readiness(id).contains(Readiness::ERR), "the queue has it still");
    let mut room = [0; 16];
    let e = host.stack.recv_error(id, &mut [&mut room]).unwrap();
    assert_eq!((e.error, e.origin, e.kind, e.code), (Error::HostUnreachable, ErrorOrigin::Icmp, 11, 0));
    assert_eq!((e.to, e.offender, e.len), (addr(FAR, 33_434), PEER.into(), 5));
    assert_eq!(&room[..5], b"probe");
    assert!(!host.stack.readiness(id).contains(Readiness::ERR));
}

#[test]
fn what_does_not_fit_the_path_is_kept_with_its_mtu() {
    let mut host = Host::new();
    let id = with_errors(&mut host, 5000);
    let mut options = host.stack.udp_options(id).unwrap();
    options.mtu_discover = MtuDiscover::Do;
    host.stack.set_udp_options(id, options.clone()).unwrap();
    assert_eq!(host.send_to(id, addr(FAR, 9), &[0; 1473]), Err(Error::MessageTooLong));
    let e = host.stack.recv_error(id, &mut []).unwrap();
    assert_eq!(
        (e.error, e.origin, e.info, e.to),
        (Error::MessageTooLong, ErrorOrigin::Local, 1500, addr(FAR, 0))
    );
    // Without the option there is no queue, and switching it off empties it.
    host.send_to(id, addr(FAR, 9), &[0; 1473]).unwrap_err();
    options.recverr = false;
    host.stack.set_udp_options(id, options).unwrap();
    host.send_to(id, addr(FAR, 9), &[0; 1473]).unwrap_err();
    assert_eq!(host.stack.recv_error(id, &mut []), Err(Error::WouldBlock));
}
