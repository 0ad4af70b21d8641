//! bind(2) and connect(2) on UDP: who may share a port, which ports are chosen, what disconnect gives back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, Kind, SocketId, UdpOptions};
use std::net::Ipv4Addr;

const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;

fn bind(host: &mut Host, ip: Ipv4Addr, options: UdpOptions) -> Result<SocketId, Error> {
    let id = host.stack.open(Kind::Udp).unwrap();
    host.stack.set_udp_options(id, options)?;
    host.stack.bind(host.now, id, addr(ip, 5000)).map(|()| id)
}

#[test]
fn a_port_is_shared_only_when_both_agree() {
    let plain = UdpOptions::default;
    let reuse = || UdpOptions { reuseaddr: true, ..plain() };
    let port = || UdpOptions { reuseport: true, ..plain() };
    let v6only = || UdpOptions { v6only: true, ..plain() };
    let cases = [
        (ANY, plain(), ANY, plain(), false),
        (ANY, plain(), OWN, plain(), false),
        (OWN, plain(), ANY, plain(), false),
        (OWN, plain(), OWN, plain(), false),
        (ANY, reuse(), ANY, reuse(), true),
        (ANY, reuse(), ANY, plain(), false),
        (ANY, port(), OWN, port(), true),
        (ANY, port(), ANY, reuse(), false),
        (ANY, v6only(), ANY, plain(), true),
        (ANY, v6only(), ANY, v6only(), false),
        (OWN, plain(), NET_BROADCAST, plain(), true),
    ];
    for (n, (ip1, options1, ip2, options2, allowed)) in cases.into_iter().enumerate() {
        let mut host = Host::new();
        bind(&mut host, ip1, options1).unwrap();
        let second = bind(&mut host, ip2, options2);
        assert_eq!(second.map(|_| ()), if allowed { Ok(()) } else { Err(Error::AddrInUse) }, "case {n}");
    }
}

#[test]
fn addresses_must_be_ours() {
    let mut host = Host::new();
    for ip in [PEER, FAR, Ipv4Addr::LOCALHOST] {
        assert_eq!(bind(&mut host, ip, UdpOptions::default()), Err(Error::AddrNotAvailable));
    }
    let id = bind(&mut host, OWN, UdpOptions::default()).unwrap();
    assert_eq!(host.stack.bind(host.now, id, addr(OWN, 5001)), Err(Error::InvalidArgument), "once");
}

#[test]
fn a_v6only_socket_hears_nothing() {
    let mut host = Host::new();
    let id = bind(&mut host, ANY, UdpOptions { v6only: true, ..UdpOptions::default() }).unwrap();
    assert_eq!(host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"x")).len(), 1);
    assert!(host.recv(id).is_err());
}

#[test]
fn chosen_ports_are_free_and_scattered() {
    let mut host = Host::new();
    let mut ports = Vec::new();
    for _ in 0..2000 {
        let id = host.udp(0);
        ports.push(host.stack.local_addr(id).unwrap().port());
    }
    assert!(ports.iter().all(|port| (32_768..=60_999).contains(port)));
    let neighbours = ports.windows(2).filter(|pair| pair[0].abs_diff(pair[1]) < 10).count();
    assert!(neighbours < 20, "RFC 6056");
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 2000);
}

#[test]
fn all_ports_taken_is_an_error_and_not_a_hang() {
    let mut host = Host::new();
    for _ in 32_768..=60_999 {
        host.udp(0);
    }
    let id = host.stack.open(Kind::Udp).unwrap();
    assert_eq!(host.stack.bind(host.now, id, addr(ANY, 0)), Err(Error::AddrInUse));
    assert_eq!(host.send_to(id, addr(PEER, 7), b"x"), Err(Error::WouldBlock));
}

#[test]
fn connect_chooses_our_end_and_disconnect_gives_it_back() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Udp).unwrap();
    assert_eq!(host.stack.local_addr(id), None);
    assert_eq!(host.stack.send_to(host.now, id, None, &[b"x"]), Err(Error::DestinationRequired));
    host.stack.connect(host.now, id, addr(FAR, 9)).unwrap();
    assert_eq!(host.stack.local_addr(id).unwrap().ip(), OWN);
    assert_eq!(host.stack.peer_addr(id), Some(addr(FAR, 9)));
    host.stack.connect(host.now, id, addr(PEER, 10)).unwrap();
    assert_eq!(host.stack.send_to(host.now, id, None, &[b"ab", b"c"]), Ok(3));
    assert_eq!(host.transmit()[0].udp().1, b"abc");
    host.stack.disconnect(host.now, id).unwrap();
    assert_eq!((host.stack.local_addr(id), host.stack.peer_addr(id)), (None, None));

    let id = host.connected_udp(5000, addr(FAR, 9));
    host.stack.disconnect(host.now, id).unwrap();
    assert_eq!(host.stack.local_addr(id), Some(addr(ANY, 5000)), "the port was the user's");
    host.feed(udp_frame(addr(PEER, 1), addr(OWN, 5000), b"anybody"));
    assert!(host.recv(id).is_ok());
}

#[test]
fn a_connected_socket_may_send_elsewhere() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 9));
    host.send_to(id, addr(PEER, 7), b"x").unwrap();
    let frames = host.transmit();
    assert_eq!((frames[0].ip().0.dst, frames[0].udp().0.dst_port), (PEER, 7));
    assert_eq!(host.send_to(id, addr(PEER, 0), b"x"), Err(Error::InvalidArgument));
}

#[test]
fn stream_verbs_do_not_fit() {
    let mut host = Host::new();
    let id = host.udp(5000);
    assert_eq!(host.stack.listen(id, 1), Err(Error::NotSupported));
    assert_eq!(host.stack.accept(id).map(|_| ()), Err(Error::NotSupported));
}
