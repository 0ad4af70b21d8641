//! A segment of the base size or less cannot be too large for a path: its loss for many seconds is an outage.

use super::*;

#[test]
fn a_short_segment_changes_nothing() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 800]);
    b.advance(Duration::from_secs(60));
    assert_eq!((b.counters.tcp_black_holes, b.info().snd_mss), (0, 1460));
}
