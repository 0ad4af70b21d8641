//! SO_RCVBUF and SO_SNDBUF bound memory, measured as what is really held (socket(7)).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Buf, Error, Readiness, RxMeta, SocketId};
use std::sync::Arc;

fn with_buffers(host: &mut Host, rcvbuf: usize, sndbuf: usize) -> SocketId {
    let id = host.udp(5000);
    let mut options = host.stack.udp_options(id).unwrap();
    (options.rcvbuf, options.sndbuf) = (rcvbuf, sndbuf);
    host.stack.set_udp_options(id, options).unwrap();
    id
}

#[test]
fn a_full_receive_queue_drops_the_newest() {
    let mut host = Host::new();
    let id = with_buffers(&mut host, 10_000, 10_000);
    for n in 0..100 {
        host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), &[n; 1000]));
    }
    let delivered = host.count("udp_in");
    assert!((7..=10).contains(&delivered), "{delivered}");
    assert_eq!(host.count("udp_queue_full"), 100 - delivered);
    for n in 0..delivered {
        assert_eq!(host.recv(id).unwrap().0, [n as u8; 1000]);
    }
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"room again"));
    assert!(host.recv(id).is_ok());
}

#[test]
fn the_smallest_buffer_holds_one_datagram() {
    let mut host = Host::new();
    let id = with_buffers(&mut host, 0, 10_000);
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), &body(1400)));
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), &body(1400)));
    assert!(host.recv(id).is_ok() && host.recv(id).is_err());
}

#[test]
fn a_small_datagram_does_not_pin_a_large_frame() {
    let mut host = Host::new();
    let id = with_buffers(&mut host, 200_000, 10_000);
    let mut pooled = Vec::with_capacity(65_550);
    pooled.extend(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"small"));
    let pooled = Arc::new(pooled);
    for _ in 0..500 {
        let frame = Buf::from_arc(Arc::clone(&pooled), 0, pooled.len());
        host.stack.on_frame(host.now, frame, RxMeta::default());
    }
    assert_eq!(Arc::strong_count(&pooled), 1);
    assert_eq!(host.count("udp_in"), 500);
    assert!(host.recv(id).is_ok());
}

#[test]
fn a_full_send_buffer_would_block_until_the_device_takes_more() {
    let mut host = Host::new();
    let id = with_buffers(&mut host, 10_000, 10_000);
    host.wire.room = Some(0);
    let mut sent = 0;
    while host.send_to(id, addr(PEER, 7), &body(1000)) == Ok(1000) {
        host.transmit();
        sent += 1;
    }
    assert!((8..=10).contains(&sent), "{sent}");
    assert_eq!(host.send_to(id, addr(PEER, 7), &body(1000)), Err(Error::WouldBlock));
    assert!(!host.stack.readiness(id).contains(Readiness::OUT));
    assert!(host.stack.send_queued(id) >= 10_000 && host.stack.pending_output());
    while host.stack.poll_event().is_some() {}
    host.wire.room = None;
    assert_eq!(host.transmit().len(), sent);
    let event = host.stack.poll_event().unwrap();
    assert_eq!((event.socket, event.edges), (id, Readiness::OUT));
    assert_eq!(host.stack.send_queued(id), 0);
}

#[test]
fn sizes_beyond_the_protocol_are_refused() {
    let mut host = Host::new();
    let id = host.udp(5000);
    assert_eq!(host.send_to(id, addr(PEER, 7), &body(65_508)), Err(Error::MessageTooLong));
    assert_eq!(host.send_to(id, addr(PEER, 7), &body(70_000)), Err(Error::MessageTooLong));
    assert_eq!(host.send_to(id, addr(PEER, 7), &body(65_507)), Ok(65_507));
    assert_eq!(host.send_to(id, addr(PEER, 7), b""), Ok(0));
}
