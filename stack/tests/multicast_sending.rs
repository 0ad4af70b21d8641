//! What is sent to a group: TTL, device, and the copy for members here (RFC 1112 section 6.1, IP_MULTICAST_LOOP).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, MacAddr, SocketId, UdpOptions};
use std::net::Ipv4Addr;

const GROUP: Ipv4Addr = Ipv4Addr::new(239, 129, 1, 1);

fn set(host: &mut Host, id: SocketId, change: impl FnOnce(&mut UdpOptions)) {
    let mut options = host.stack.udp_options(id).unwrap();
    change(&mut options);
    host.stack.set_udp_options(id, options).unwrap();
}

fn udp_only(frames: Vec<Frame>) -> Vec<Frame> {
    frames.into_iter().filter(|f| f.ip().0.protocol == 17).collect()
}

#[test]
fn it_leaves_with_a_ttl_of_its_own_to_the_hardware_address_of_the_group() {
    let mut host = Host::started(matnet_stack::Config { gateway: None, ..config() });
    let id = host.udp(7);
    host.send_to(id, addr(GROUP, 9), b"x").unwrap();
    let frames = host.transmit();
    assert_eq!((frames[0].ip().0.ttl, frames[0].ethernet().dst), (1, MacAddr([1, 0, 0x5e, 1, 1, 1])));
    set(&mut host, id, |o| o.multicast_ttl = 17);
    host.send_to(id, addr(GROUP, 9), b"x").unwrap();
    assert_eq!(host.transmit()[0].ip().0.ttl, 17);
}

#[test]
fn members_here_hear_it_too_unless_the_sender_says_no() {
    let mut host = Host::new();
    let (sender, member) = (host.udp(7), host.udp(9));
    host.send_to(sender, addr(GROUP, 9), b"before").unwrap();
    host.transmit();
    assert_eq!(host.recv(member), Err(Error::WouldBlock), "nobody is in the group");
    host.stack.join_group(host.now, member, GROUP).unwrap();
    host.send_to(sender, addr(GROUP, 9), b"news").unwrap();
    assert_eq!(udp_only(host.transmit()).len(), 1);
    assert_eq!(host.recv(member).unwrap(), (b"news".to_vec(), addr(OWN, 7)));
    set(&mut host, sender, |o| o.multicast_loop = false);
    host.send_to(sender, addr(GROUP, 9), b"secret").unwrap();
    assert_eq!(udp_only(host.transmit()).len(), 1);
    assert_eq!(host.recv(member), Err(Error::WouldBlock));
}

#[test]
fn a_ttl_of_zero_stays_here() {
    let mut host = Host::new();
    let (sender, member) = (host.udp(7), host.udp(9));
    host.stack.join_group(host.now, member, GROUP).unwrap();
    set(&mut host, sender, |o| o.multicast_ttl = 0);
    host.send_to(sender, addr(GROUP, 9), b"home").unwrap();
    assert!(udp_only(host.transmit()).is_empty());
    assert_eq!(host.recv(member).unwrap().0, b"home");
    assert_eq!(host.stack.send_queued(sender), 0);
}

#[test]
fn large_ones_are_fragmented_and_still_heard_whole_here() {
    let mut host = Host::new();
    let (sender, member) = (host.udp(7), host.udp(9));
    host.stack.join_group(host.now, member, GROUP).unwrap();
    host.transmit();
    host.send_to(sender, addr(GROUP, 9), &body(5000)).unwrap();
    assert_eq!(host.transmit().len(), 4);
    assert_eq!(host.recv(member).unwrap().0, body(5000));
}

#[test]
fn a_socket_bound_to_a_group_sends_from_our_own_address() {
    let mut host = Host::new();
    let id = host.stack.open(matnet_stack::Kind::Udp).unwrap();
    host.stack.bind(host.now, id, addr(GROUP, 7)).unwrap();
    host.send_to(id, addr(FAR, 9), b"x").unwrap();
    assert_eq!(host.transmit()[0].ip().0.src, OWN);
}
