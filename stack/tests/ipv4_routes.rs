//! Where packets go: the neighbour, the router, or nowhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, Kind};
use std::net::{Ipv4Addr, SocketAddr};

#[test]
fn far_hosts_are_reached_through_the_router() {
    let mut host = Host::new();
    let id = host.udp(5000);
    host.send_to(id, addr(FAR, 7), b"x").unwrap();
    let frames = host.transmit();
    assert_eq!((frames[0].ethernet().dst, frames[0].ip().0.dst), (PEER_MAC, FAR));
}

#[test]
fn without_a_router_the_network_is_unreachable() {
    let mut host = Host::started(matnet_stack::Config { gateway: None, ..config() });
    let id = host.udp(5000);
    assert_eq!(host.send_to(id, addr(FAR, 7), b"x"), Err(Error::NetUnreachable));
    assert_eq!(host.stack.connect(host.now, id, addr(FAR, 7)), Err(Error::NetUnreachable));
    assert!(host.send_to(id, addr(PEER, 7), b"x").is_ok());
    let tcp = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, tcp, addr(FAR, 80)), Err(Error::NetUnreachable));
}

#[test]
fn ipv6_has_no_route_and_no_address() {
    let mut host = Host::new();
    let v6: SocketAddr = "[2001:db8::1]:80".parse().unwrap();
    for kind in [Kind::Tcp, Kind::Udp, Kind::Ping] {
        let id = host.stack.open(kind).unwrap();
        assert_eq!(host.stack.connect(host.now, id, v6), Err(Error::NetUnreachable));
        assert_eq!(host.stack.bind(host.now, id, v6), Err(Error::AddrNotAvailable));
    }
}

#[test]
fn loopback_addresses_belong_to_the_stack_only_when_told_so() {
    let mut host = Host::new();
    let id = host.stack.open(Kind::Udp).unwrap();
    let local = addr(Ipv4Addr::LOCALHOST, 53);
    assert_eq!(host.stack.bind(host.now, id, local), Err(Error::AddrNotAvailable));
    assert_eq!(host.send_to(id, local, b"x"), Err(Error::NetUnreachable));
    assert!(!host.stack.is_local(local.ip()));

    let mut host = Host::started(matnet_stack::Config { loopback: true, ..config() });
    let id = host.stack.open(Kind::Udp).unwrap();
    assert_eq!(host.stack.bind(host.now, id, local), Ok(()));
    assert!(host.stack.is_local(local.ip()));
    // Linux: the source 127.0.0.1 does not leave the host.
    assert_eq!(host.send_to(id, addr(FAR, 7), b"x"), Err(Error::InvalidArgument));
}
