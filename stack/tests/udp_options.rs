//! Options of datagram sockets that change what leaves, or what is let in: socket(7), ip(7), udp(7).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use std::net::Ipv4Addr;
use std::sync::Arc;

use common::*;
use matnet_stack::filter::{Filter, Instruction};
use matnet_stack::{Error, Kind, MtuDiscover, SendHow, SocketId, UdpOptions};

fn set(host: &mut Host, id: SocketId, change: impl FnOnce(&mut UdpOptions)) {
    let mut options = host.stack.udp_options(id).unwrap();
    change(&mut options);
    host.stack.set_udp_options(id, options).unwrap();
}

/// RFC 768: "An all zero transmitted checksum value means that the transmitter generated no checksum".
#[test]
fn no_check_leaves_the_checksum_out() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(PEER, 7));
    let checksum = |host: &mut Host| {
        let frames = host.transmit();
        let (_, datagram) = frames[0].ip();
        [datagram[6], datagram[7]]
    };
    host.stack.send_to(host.now, id, None, &[b"summed"]).unwrap();
    assert_ne!(checksum(&mut host), [0, 0]);
    set(&mut host, id, |o| o.no_check = true);
    host.stack.send_to(host.now, id, None, &[b"bare"]).unwrap();
    assert_eq!(checksum(&mut host), [0, 0]);
    let big = body(3000);
    host.stack.send_to(host.now, id, None, &[&big]).unwrap();
    assert_eq!(checksum(&mut host), [0, 0]);
    let cut = SendHow { segment: Some(10), ..SendHow::default() };
    assert_eq!(host.stack.send_with(host.now, id, None, &[&big[..20]], cut), Err(Error::InvalidArgument));
}

/// socket(7) SO_DONTROUTE: "Don't send via a gateway, send only to directly connected hosts."
#[test]
fn dontroute_reaches_neighbours_only() {
    let mut host = Host::new();
    let id = host.udp(5000);
    set(&mut host, id, |o| o.dont_route = true);
    assert_eq!(host.send_to(id, addr(FAR, 7), b"far"), Err(Error::NetUnreachable));
    assert_eq!(host.stack.connect(host.now, id, addr(FAR, 7)), Err(Error::NetUnreachable));
    assert_eq!(host.send_to(id, addr(PEER, 7), b"near"), Ok(4));
    set(&mut host, id, |o| o.dont_route = false);
    assert_eq!(host.send_to(id, addr(FAR, 7), b"far"), Ok(3));
}

/// ip(7) IP_MTU_DISCOVER and net/ipv4/ip_output.c: the flag, and what becomes of a datagram of 3000 bytes on a path of 1500.
#[test]
fn mtu_discover_sets_the_flag_and_refuses() {
    use MtuDiscover::{Do, Dont, Interface, Omit, Probe, Want};
    for (mode, flag, refused) in [
        (Dont, false, false),
        (Want, true, false),
        (Do, true, true),
        (Probe, true, true),
        (Interface, false, true),
        (Omit, false, false),
    ] {
        let mut host = Host::new();
        let id = host.connected_udp(5000, addr(PEER, 7));
        set(&mut host, id, |o| o.mtu_discover = mode);
        host.stack.send_to(host.now, id, None, &[b"small"]).unwrap();
        assert_eq!(host.transmit()[0].ip().0.dont_fragment, flag, "{mode:?}");
        let sent = host.stack.send_to(host.now, id, None, &[&body(3000)]);
        assert_eq!(sent, if refused { Err(Error::MessageTooLong) } else { Ok(3000) }, "{mode:?}");
    }
}

/// ip(7) IP_FREEBIND; net/ipv4/route.c: such an address is no source.
#[test]
fn freebind_takes_any_address() {
    let foreign = addr(Ipv4Addr::new(192, 0, 2, 9), 700);
    let mut host = Host::new();
    for kind in [Kind::Udp, Kind::Tcp] {
        let id = host.stack.open(kind).unwrap();
        assert_eq!(host.stack.bind(host.now, id, foreign), Err(Error::AddrNotAvailable));
        if kind == Kind::Udp {
            set(&mut host, id, |o| o.freebind = true);
        } else {
            let options = matnet_stack::TcpOptions { freebind: true, ..Default::default() };
            host.stack.set_tcp_options(host.now, id, options).unwrap();
        }
        assert_eq!(host.stack.bind(host.now, id, foreign), Ok(()));
        assert_eq!(host.stack.connect(host.now, id, addr(PEER, 7)), Err(Error::NetUnreachable));
    }
}

/// ip(7) IP_LOCAL_PORT_RANGE.
#[test]
fn ports_come_from_the_range() {
    let mut host = Host::new();
    let mut taken = Vec::new();
    for _ in 0..3 {
        let id = host.stack.open(Kind::Udp).unwrap();
        set(&mut host, id, |o| o.port_range = (45_000, 45_002));
        host.send_to(id, addr(PEER, 7), b"x").unwrap();
        taken.push(host.stack.local_addr(id).unwrap().port());
    }
    taken.sort_unstable();
    assert_eq!(taken, [45_000, 45_001, 45_002]);
    let id = host.stack.open(Kind::Udp).unwrap();
    set(&mut host, id, |o| o.port_range = (45_000, 45_002));
    assert_eq!(host.send_to(id, addr(PEER, 7), b"x"), Err(Error::WouldBlock));
}

/// socket(7) SO_ATTACH_FILTER: the program sees the UDP header, drops with 0, and cuts what is longer than it says.
#[test]
fn a_filter_drops_and_cuts() {
    let i = |code, jt, jf, k| Instruction { code, jt, jf, k };
    // Datagrams whose first byte is 'y', of those the header and two bytes.
    let program = vec![i(0x30, 0, 0, 8), i(0x15, 0, 1, 0x79), i(0x06, 0, 0, 10), i(0x06, 0, 0, 0)];
    let mut host = Host::new();
    let id = host.udp(5000);
    set(&mut host, id, |o| o.filter = Some(Arc::new(Filter::new(program).unwrap())));
    for text in [&b"no"[..], b"yes", b"", b"y"] {
        host.feed(udp_frame(addr(PEER, 9), addr(OWN, 5000), text));
    }
    assert_eq!(host.recv(id).unwrap().0, b"ye");
    assert_eq!(host.recv(id).unwrap().0, b"y");
    assert_eq!(host.recv(id).unwrap_err(), Error::WouldBlock);
    assert_eq!(host.count("filtered"), 2);
}

/// net/core/datagram.c, __skb_try_recv_from_queue: SO_PEEK_OFF counts over the datagrams of the queue.
#[test]
fn peeking_at_an_offset() {
    let mut host = Host::new();
    let id = host.udp(5000);
    let long = body(3000);
    for text in [&b"abc"[..], &long, b"de"] {
        for frame in fragments_of(text) {
            host.feed(frame);
        }
    }
    let mut peek = |offset| {
        let mut room = [0; 4];
        let (meta, at) = host.stack.peek_at(id, &mut [&mut room], offset).ok()?;
        Some((meta.len, at, room))
    };
    assert_eq!(peek(0), Some((3, 0, *b"abc\0")));
    assert_eq!(peek(2), Some((3, 2, *b"c\0\0\0")));
    assert_eq!(peek(3), Some((3000, 0, long[..4].try_into().unwrap())));
    assert_eq!(peek(3 + 2996), Some((3000, 2996, long[2996..].try_into().unwrap())));
    assert_eq!(peek(3004), Some((2, 1, *b"e\0\0\0")));
    assert_eq!(peek(3005), None);
    assert_eq!(host.recv(id).unwrap().0, b"abc");
}

fn fragments_of(text: &[u8]) -> Vec<Vec<u8>> {
    let datagram = udp_datagram(addr(PEER, 9), addr(OWN, 5000), text);
    let repr = ip_repr(PEER, OWN, 17, datagram.len());
    fragments(repr, &datagram, 1480)
}
