//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn a_lost_window_update_does_not_stall() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(&[1; 3000]);
    b.advance(ms(300));
    // The update was lost; the answer to the probe brings it.
    b.peer_window = 10_000;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.sent().len(), 3);
}
