//! Broadcasts need SO_BROADCAST, reach every matching socket, and our own as well (ip(7), socket(7)).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::ethernet::EtherType;
use matnet_stack::{Error, Kind, MacAddr, UdpOptions};
use std::net::Ipv4Addr;

#[test]
fn so_broadcast_is_required() {
    let mut host = Host::new();
    let id = host.udp(5000);
    for ip in [NET_BROADCAST, Ipv4Addr::BROADCAST] {
        assert_eq!(host.send_to(id, addr(ip, 7), b"x"), Err(Error::PermissionDenied));
        assert_eq!(host.stack.connect(host.now, id, addr(ip, 7)), Err(Error::PermissionDenied));
    }
    host.stack.set_udp_options(id, UdpOptions { broadcast: true, ..UdpOptions::default() }).unwrap();
    for ip in [NET_BROADCAST, Ipv4Addr::BROADCAST] {
        host.send_to(id, addr(ip, 5000), b"x").unwrap();
        let frames = host.transmit();
        assert_eq!((frames.len(), frames[0].ethernet().dst), (1, MacAddr::BROADCAST));
        assert_eq!(host.recv(id).unwrap(), (b"x".to_vec(), addr(OWN, 5000)), "we hear it ourselves");
    }
    let tcp = host.stack.open(Kind::Tcp).unwrap();
    assert_eq!(host.stack.connect(host.now, tcp, addr(NET_BROADCAST, 7)), Err(Error::NetUnreachable));
}

#[test]
fn every_matching_socket_gets_a_copy() {
    let mut host = Host::new();
    let options = UdpOptions { reuseaddr: true, ..UdpOptions::default() };
    let mut ids = Vec::new();
    for ip in [Ipv4Addr::UNSPECIFIED, Ipv4Addr::UNSPECIFIED, NET_BROADCAST, OWN] {
        let id = host.stack.open(Kind::Udp).unwrap();
        host.stack.set_udp_options(id, options.clone()).unwrap();
        host.stack.bind(host.now, id, addr(ip, 5000)).unwrap();
        ids.push(id);
    }
    host.stack.connect(host.now, ids[1], addr(FAR, 9)).unwrap();
    let packet = udp_packet(addr(PEER, 9), addr(NET_BROADCAST, 5000), b"all");
    assert!(host.feed(frame(MacAddr::BROADCAST, PEER_MAC, EtherType::Ipv4, &packet)).is_empty());
    let got: Vec<bool> = ids.into_iter().map(|id| host.recv(id).is_ok()).collect();
    assert_eq!(got, [true, false, true, false]);
}

#[test]
fn multicast_leaves_with_ttl_one_to_the_groups_hardware_address() {
    let mut host = Host::new();
    let id = host.udp(5000);
    host.send_to(id, addr(Ipv4Addr::new(239, 255, 1, 2), 7), b"x").unwrap();
    let frames = host.transmit();
    assert_eq!(frames[0].ethernet().dst, MacAddr([1, 0, 0x5e, 0x7f, 1, 2]));
    assert_eq!(frames[0].ip().0.ttl, 1);
}
