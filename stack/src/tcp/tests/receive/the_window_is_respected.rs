//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn the_window_is_respected() {
    let narrow = Peer { window: 3500, ..PLAIN };
    let mut b = Bench::connected(narrow);
    b.send(&[1; 9000]);
    assert_eq!(b.sent().len(), 3);
    b.peer(ACK, 1, 2001, &[]);
    // 3500 from 2001: up to 5501; 3001 is next.
    assert_eq!(b.sent().len(), 2);
}
