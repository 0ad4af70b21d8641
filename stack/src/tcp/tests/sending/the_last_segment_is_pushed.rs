//! RFC 9293 section 3.9.1.2: PSH is on the last segment of what was queued, and only there.

use super::*;

#[test]
fn the_last_segment_is_pushed() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 2500]);
    assert_eq!(b.sent(), vec![(ACK, 1, 1000), (ACK, 1001, 1000), (ACK | PSH, 2001, 500)]);
}
