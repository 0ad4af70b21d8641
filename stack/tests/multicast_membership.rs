//! Memberships of sockets in multicast groups: ip(7), RFC 3678, net/ipv4/igmp.c.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::{ethernet, ipv4};
use matnet_stack::{Error, FilterMode, MacAddr, SocketId};
use std::net::Ipv4Addr;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 129, 1, 1);
const GROUP_MAC: MacAddr = MacAddr([1, 0, 0x5e, 1, 1, 1]);

fn group_frame(src: Ipv4Addr, group: Ipv4Addr) -> Vec<u8> {
    let bytes = udp_packet(addr(src, 9), addr(group, 7), b"news");
    let [_, a, b, c] = group.octets();
    frame(MacAddr([1, 0, 0x5e, a & 0x7f, b, c]), PEER_MAC, ethernet::EtherType::Ipv4, &bytes)
}

fn hears(host: &mut Host, id: SocketId, src: Ipv4Addr) -> bool {
    host.feed(group_frame(src, GROUP));
    let heard = host.recv(id).is_ok();
    assert!(host.recv(id).is_err());
    heard
}

fn shared(host: &mut Host) -> SocketId {
    let id = host.stack.open(matnet_stack::Kind::Udp).unwrap();
    let mut options = host.stack.udp_options(id).unwrap();
    options.reuseaddr = true;
    host.stack.set_udp_options(id, options).unwrap();
    host.stack.bind(host.now, id, addr(Ipv4Addr::UNSPECIFIED, 7)).unwrap();
    id
}

#[test]
fn only_joined_groups_are_heard() {
    let mut host = Host::new();
    let id = host.udp(7);
    assert!(!hears(&mut host, id, FAR));
    assert_eq!(host.count("frame_multicast_filtered"), 1);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    assert!(hears(&mut host, id, FAR));
    // Another group with the same hardware address stops at the IP layer.
    let twin = Ipv4Addr::new(238, 1, 1, 1);
    host.feed(frame(
        GROUP_MAC,
        PEER_MAC,
        ethernet::EtherType::Ipv4,
        &udp_packet(addr(FAR, 9), addr(twin, 7), b"x"),
    ));
    assert_eq!(host.count("ip_not_for_us"), 1);
    host.stack.leave_group(host.now, id, GROUP).unwrap();
    assert!(!hears(&mut host, id, FAR));
}

#[test]
fn closing_leaves() {
    let mut host = Host::new();
    let (id, other) = (shared(&mut host), shared(&mut host));
    host.stack.join_group(host.now, id, GROUP).unwrap();
    assert!(hears(&mut host, other, FAR), "IP_MULTICAST_ALL is on by default");
    host.stack.close(host.now, id);
    assert!(!hears(&mut host, other, FAR));
}

#[test]
fn ip_multicast_all_off_hears_own_groups_only() {
    let mut host = Host::new();
    let (id, other) = (shared(&mut host), shared(&mut host));
    host.stack.join_group(host.now, id, GROUP).unwrap();
    let mut options = host.stack.udp_options(other).unwrap();
    options.multicast_all = false;
    host.stack.set_udp_options(other, options).unwrap();
    assert!(!hears(&mut host, other, FAR));
    while host.recv(id).is_ok() {}
    host.stack.join_group(host.now, other, GROUP).unwrap();
    assert!(hears(&mut host, other, FAR));
}

#[test]
fn included_and_excluded_sources() {
    let mut host = Host::new();
    let id = host.udp(7);
    let now = host.now;
    host.stack.join_source(now, id, GROUP, FAR).unwrap();
    assert!(hears(&mut host, id, FAR) && !hears(&mut host, id, PEER));
    assert_eq!(host.stack.join_source(now, id, GROUP, FAR), Err(Error::AddrNotAvailable));
    assert_eq!(
        host.stack.add_source(now, id, GROUP, PEER, FilterMode::Exclude),
        Err(Error::InvalidArgument),
        "one mode at a time"
    );
    assert_eq!(host.stack.source_filter(id, GROUP), Ok((FilterMode::Include, &[FAR][..])));
    assert_eq!(
        host.stack.drop_source(now, id, GROUP, PEER, FilterMode::Include),
        Err(Error::AddrNotAvailable)
    );
    host.stack.drop_source(now, id, GROUP, FAR, FilterMode::Include).unwrap();
    assert_eq!(
        host.stack.source_filter(id, GROUP),
        Err(Error::AddrNotAvailable),
        "nobody to hear is to leave"
    );

    host.stack.join_group(now, id, GROUP).unwrap();
    host.stack.add_source(now, id, GROUP, FAR, FilterMode::Exclude).unwrap();
    assert!(!hears(&mut host, id, FAR) && hears(&mut host, id, PEER));
    host.stack.drop_source(now, id, GROUP, FAR, FilterMode::Exclude).unwrap();
    assert!(hears(&mut host, id, FAR));
    host.stack.set_source_filter(now, id, GROUP, FilterMode::Include, &[PEER]).unwrap();
    assert!(!hears(&mut host, id, FAR) && hears(&mut host, id, PEER));
    host.stack.set_source_filter(now, id, GROUP, FilterMode::Include, &[]).unwrap();
    assert_eq!(host.stack.leave_group(now, id, GROUP), Err(Error::AddrNotAvailable));
}

#[test]
fn the_host_hears_what_any_socket_wants() {
    let mut host = Host::new();
    let (a, b) = (shared(&mut host), shared(&mut host));
    let now = host.now;
    host.stack.join_group(now, a, GROUP).unwrap();
    host.stack.add_source(now, a, GROUP, FAR, FilterMode::Exclude).unwrap();
    host.stack.join_source(now, b, GROUP, FAR).unwrap();
    host.feed(group_frame(FAR, GROUP));
    assert!(host.recv(a).is_err() && host.recv(b).is_ok());
    host.feed(group_frame(PEER, GROUP));
    assert!(host.recv(a).is_ok() && host.recv(b).is_err());
}

#[test]
fn limits_and_errors() {
    let mut host = Host::new();
    let id = host.udp(7);
    let now = host.now;
    assert_eq!(host.stack.join_group(now, id, FAR), Err(Error::InvalidArgument));
    assert_eq!(host.stack.leave_group(now, id, GROUP), Err(Error::AddrNotAvailable));
    for n in 0..20 {
        assert_eq!(host.stack.join_group(now, id, Ipv4Addr::new(239, 0, 0, n)), Ok(()));
    }
    assert_eq!(host.stack.join_group(now, id, Ipv4Addr::new(239, 0, 0, 3)), Err(Error::AddrInUse));
    assert_eq!(host.stack.join_group(now, id, Ipv4Addr::new(239, 0, 0, 20)), Err(Error::NoBuffers));
    let sources: Vec<Ipv4Addr> = (0..11).map(|n| Ipv4Addr::new(192, 0, 2, n)).collect();
    let group = Ipv4Addr::new(239, 0, 0, 1);
    for source in &sources[..10] {
        host.stack.add_source(now, id, group, *source, FilterMode::Exclude).unwrap();
    }
    let more = host.stack.add_source(now, id, group, sources[10], FilterMode::Exclude);
    assert_eq!(more, Err(Error::NoBuffers));
    assert_eq!(
        host.stack.set_source_filter(now, id, group, FilterMode::Include, &sources),
        Err(Error::NoBuffers)
    );
    assert_eq!(
        host.stack.add_source(now, id, GROUP, FAR, FilterMode::Exclude),
        Err(Error::InvalidArgument),
        "not a member"
    );
}

#[test]
fn nobody_answers_a_datagram_or_an_echo_request_to_a_group() {
    let mut host = Host::new();
    let id = host.udp(8);
    host.stack.join_group(host.now, id, GROUP).unwrap();
    host.advance(secs(5));
    assert!(host.feed(group_frame(FAR, GROUP)).is_empty(), "no port unreachable");
    let mut echo = Vec::new();
    matnet_stack::wire::icmpv4::Repr::EchoRequest { ident: 1, seq: 1, data: b"" }.emit(&mut echo);
    let ip = packet(ip_repr(FAR, GROUP, ipv4::PROTO_ICMP, echo.len()), &echo);
    assert!(host.feed(frame(GROUP_MAC, PEER_MAC, ethernet::EtherType::Ipv4, &ip)).is_empty());
    assert_eq!(host.count("icmp_broadcast_ignored"), 1);
}
