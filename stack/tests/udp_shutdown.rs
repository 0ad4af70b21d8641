//! shutdown(2) on UDP, and poll(2) afterwards (Linux datagram_poll, inet_shutdown).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod common;

use common::*;
use matnet_stack::{Error, Readiness, Shutdown};

#[test]
fn shutting_reading() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 9));
    assert_eq!(host.stack.shutdown(host.now, id, Shutdown::Read), Ok(()));
    assert_eq!(host.stack.readiness(id), Readiness::IN | Readiness::RDHUP | Readiness::OUT);
    assert!(host.stack.poll_event().unwrap().edges.contains(Readiness::RDHUP));
    assert_eq!(host.recv(id), Err(Error::WouldBlock));
    host.feed(udp_frame(addr(FAR, 9), addr(OWN, 5000), b"still taken"));
    assert_eq!(host.recv(id).unwrap().0, b"still taken");
    assert_eq!(host.stack.send_to(host.now, id, None, &[b"x"]), Ok(1));
}

#[test]
fn shutting_writing_and_both() {
    let mut host = Host::new();
    let id = host.connected_udp(5000, addr(FAR, 9));
    assert_eq!(host.stack.shutdown(host.now, id, Shutdown::Write), Ok(()));
    assert_eq!(host.stack.readiness(id), Readiness::OUT);
    assert_eq!(host.stack.send_to(host.now, id, None, &[b"x"]), Err(Error::BrokenPipe));
    assert_eq!(host.stack.shutdown(host.now, id, Shutdown::Read), Ok(()));
    assert!(host.stack.readiness(id).contains(Readiness::HUP));
}

#[test]
fn an_unconnected_socket_is_refused_and_shut_all_the_same() {
    let mut host = Host::new();
    let id = host.udp(5000);
    assert_eq!(host.stack.shutdown(host.now, id, Shutdown::Both), Err(Error::NotConnected));
    assert!(host.stack.readiness(id).contains(Readiness::HUP));
}

#[test]
fn the_loss_of_the_device_is_told_for_ever() {
    let mut host = Host::new();
    let id = host.udp(5000);
    host.stack.device_gone();
    for _ in 0..2 {
        assert_eq!(host.recv(id), Err(Error::NetDown));
        assert_eq!(host.send_to(id, addr(PEER, 7), b"x"), Err(Error::NetDown));
        assert!(host.stack.readiness(id).contains(Readiness::ERR | Readiness::HUP));
    }
    let late = host.udp(5001);
    assert_eq!(host.send_to(late, addr(PEER, 7), b"x"), Err(Error::NetDown));
    assert!(host.transmit().is_empty());
    assert_eq!(host.stack.poll_timeout(), None);
}
