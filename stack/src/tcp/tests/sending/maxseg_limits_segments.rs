//! tcp(7) TCP_MAXSEG: segments are no larger, whatever the peer takes.

use super::*;

#[test]
fn maxseg_limits_segments() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.maxseg = Some(500)));
    b.send(&[1; 1000]);
    assert_eq!(b.sent().iter().map(|s| s.2).collect::<Vec<_>>(), [500, 500]);
}
