//! RFC 1191: a path MTU is learnt from ICMP, kept for ten minutes, and kept within reason.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::wire::icmpv4::Repr;
use matnet_stack::{Error, SocketId};

/// Sends a packet that fills the link and answers it as a router with `mtu` behind it would.
fn too_big(host: &mut Host, id: SocketId, mtu: u16) {
    host.send_to(id, addr(FAR, 7), &body(1472)).unwrap();
    let frames = host.transmit();
    let quoted = &frames[0].bytes[14..14 + 28];
    host.feed(icmp_frame(PEER, &Repr::DstUnreachable { code: 4, mtu, quoted }));
}

#[test]
fn later_datagrams_are_cut_to_the_path_for_ten_minutes() {
    let mut host = Host::new();
    let id = host.udp(5000);
    too_big(&mut host, id, 1400);
    assert_eq!(host.stack.path_mtu(addr(FAR, 7).ip()), 1400);
    assert_eq!(host.stack.path_mtu(addr(PEER, 7).ip()), 1500);
    host.send_to(id, addr(FAR, 7), &body(1472)).unwrap();
    let frames = host.transmit();
    assert_eq!(frames.len(), 2);
    reassemble(&frames, 1400);
    host.advance(secs(600));
    assert_eq!(host.stack.path_mtu(addr(FAR, 7).ip()), 1500);
}

#[test]
fn a_connected_socket_is_told_and_df_refuses() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 7));
    too_big(&mut host, id, 1400);
    assert_eq!(host.stack.take_error(id), Some(Error::MessageTooLong));
    let mut options = host.stack.udp_options(id).unwrap();
    options.mtu_discover = matnet_stack::MtuDiscover::Do;
    host.stack.set_udp_options(id, options).unwrap();
    assert_eq!(host.send_to(id, addr(FAR, 7), &body(1373)), Err(Error::MessageTooLong));
    assert_eq!(host.send_to(id, addr(FAR, 7), &body(1372)), Ok(1372));
}

#[test]
fn routers_that_give_no_figure_mean_the_next_plateau() {
    let mut host = Host::new();
    let id = host.udp(5000);
    too_big(&mut host, id, 0);
    assert_eq!(host.stack.path_mtu(addr(FAR, 7).ip()), 1492);
}

#[test]
fn tiny_figures_lock_the_path_at_552_without_df() {
    let mut host = Host::new();
    let id = host.udp(5000);
    too_big(&mut host, id, 68);
    assert_eq!(host.stack.path_mtu(addr(FAR, 7).ip()), 552);
    host.send_to(id, addr(FAR, 7), b"small").unwrap();
    assert!(!host.transmit()[0].ip().0.dont_fragment);
}

#[test]
fn nonsense_and_forgeries_are_ignored() {
    let mut host = Host::new();
    let id = host.udp(5000);
    too_big(&mut host, id, 1500);
    too_big(&mut host, id, 9000);
    assert_eq!(host.count("pmtu_rejected"), 2);
    // Quoting a port that nobody holds.
    let quoted = udp_packet(addr(OWN, 4999), addr(FAR, 7), &body(1400));
    host.feed(icmp_frame(PEER, &Repr::DstUnreachable { code: 4, mtu: 600, quoted: &quoted[..28] }));
    assert_eq!(host.stack.path_mtu(addr(FAR, 7).ip()), 1500);
    assert_eq!(host.count("pmtu_updates"), 0);
}
