//! Ping sockets (icmp(7), Linux net/ipv4/ping.c): the identifier is the port, messages are whole.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::icmpv4::Repr;
use matnet_stack::{Error, Kind, SocketId};
use std::net::Ipv4Addr;

fn echo(seq: u16, data: &[u8]) -> Vec<u8> {
    let mut message = Vec::new();
    Repr::EchoRequest { ident: 0xdead, seq, data }.emit(&mut message);
    // The kernel does not look at the caller's checksum.
    message[2] ^= 0x55;
    message
}

fn ident(host: &Host, id: SocketId) -> u16 {
    host.stack.local_addr(id).unwrap().port()
}

#[test]
fn requests_leave_with_our_identifier_and_replies_come_back() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Ping).unwrap();
    assert_eq!(host.send_to(id, addr(FAR, 0), &echo(1, b"data")), Ok(12));
    let ident = ident(&host, id);
    assert_ne!(ident, 0);
    let frames = host.transmit();
    assert_eq!(frames[0].icmp(), Repr::EchoRequest { ident, seq: 1, data: b"data" });
    assert_eq!(host.count("ping_out"), 1);
    host.feed(icmp_frame(FAR, &Repr::EchoReply { ident, seq: 1, data: b"data" }));
    let (message, from) = host.recv(id).unwrap();
    assert_eq!(from, addr(FAR, 0));
    assert_eq!(Repr::parse(&message, true), Ok(Repr::EchoReply { ident, seq: 1, data: b"data" }));
}

#[test]
fn replies_to_nobody_are_counted() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Ping).unwrap();
    host.stack.bind(host.now, id, addr(Ipv4Addr::UNSPECIFIED, 77)).unwrap();
    assert!(host.feed(icmp_frame(FAR, &Repr::EchoReply { ident: 78, seq: 1, data: b"" })).is_empty());
    assert_eq!(host.count("icmp_echo_reply_unmatched"), 1);
    host.feed(icmp_frame(FAR, &Repr::EchoReply { ident: 77, seq: 1, data: b"" }));
    assert!(host.recv(id).is_ok());
}

#[test]
fn an_identifier_is_shared_unless_so_reuseaddr_is_off_and_the_last_to_take_it_hears() {
    let mut host = Host::new();
    let open = |host: &mut Host| host.stack.open(Kind::Ping).unwrap();
    let (a, b, c) = (open(&mut host), open(&mut host), open(&mut host));
    assert_eq!(host.stack.bind(host.now, a, addr(OWN, 77)), Ok(()));
    let mut options = host.stack.udp_options(c).unwrap();
    assert!(options.reuseaddr, "INET_PROTOSW_REUSE");
    options.reuseaddr = false;
    host.stack.set_udp_options(c, options).unwrap();
    assert_eq!(host.stack.bind(host.now, c, addr(Ipv4Addr::UNSPECIFIED, 77)), Err(Error::AddrInUse));
    assert_eq!(host.stack.bind(host.now, b, addr(FAR, 78)), Err(Error::AddrNotAvailable));
    assert_eq!(host.stack.bind(host.now, b, addr(Ipv4Addr::UNSPECIFIED, 77)), Ok(()));
    host.feed(icmp_frame(FAR, &Repr::EchoReply { ident: 77, seq: 1, data: b"" }));
    assert!(host.recv(b).is_ok() && host.recv(a).is_err());
}

#[test]
fn only_echo_requests_may_be_sent() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Ping).unwrap();
    for message in [&[8, 0, 0, 0, 0, 0, 0][..], &[0; 8], &[8, 1, 0, 0, 0, 0, 0, 0], &[3, 0, 0, 0, 0, 0, 0, 0]]
    {
        assert_eq!(host.send_to(id, addr(FAR, 0), message), Err(Error::InvalidArgument));
    }
    let large = echo(1, &body(65_507));
    assert_eq!(host.send_to(id, addr(FAR, 0), &large), Ok(65_515));
    assert_eq!(reassemble(&host.transmit(), 1500).1[8..], body(65_507));
}

#[test]
fn errors_find_the_socket_by_the_identifier() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Ping).unwrap();
    host.stack.connect(host.now, id, addr(FAR, 0)).unwrap();
    host.stack.send_to(host.now, id, None, &[&echo(1, b"x")]).unwrap();
    let frames = host.transmit();
    let quoted = &frames[0].bytes[14..42];
    host.feed(icmp_frame(PEER, &Repr::DstUnreachable { code: 13, mtu: 0, quoted }));
    assert_eq!(host.stack.take_error(id), Some(Error::HostUnreachable));
    host.feed(icmp_frame(PEER, &Repr::TimeExceeded { code: 0, quoted }));
    assert_eq!(host.stack.take_error(id), None, "soft");
}

#[test]
fn we_can_ping_ourselves() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Ping).unwrap();
    host.send_to(id, addr(OWN, 0), &echo(9, b"me")).unwrap();
    assert!(host.transmit().is_empty(), "nothing on the wire");
    let (message, from) = host.recv(id).unwrap();
    assert_eq!(from, addr(OWN, 0));
    assert!(matches!(Repr::parse(&message, true), Ok(Repr::EchoReply { seq: 9, data: b"me", .. })));
}
