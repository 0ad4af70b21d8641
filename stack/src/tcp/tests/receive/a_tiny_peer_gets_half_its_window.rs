//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn a_tiny_peer_gets_half_its_window() {
    let tiny = Peer { window: 600, ..PLAIN };
    let mut b = Bench::connected(tiny);
    b.send(&[1; 900]);
    assert_eq!(b.sent(), vec![(ACK, 1, 300), (ACK, 301, 300)]);
    b.peer(ACK, 1, 301, &[]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 601, 300)]);
}
