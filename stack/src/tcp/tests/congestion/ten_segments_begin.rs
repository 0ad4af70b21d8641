//! RFC 6928: ten segments, at most 14600 bytes or two segments.

use super::*;

#[test]
fn the_first_window() {
    for (mss, want) in [(1000, 10_000), (1460, 14_600), (536, 5360)] {
        let mut b = Bench::connected(Peer { mss: Some(mss), ..SACK });
        b.send(&[1; 60_000]);
        assert_eq!(b.sent().iter().map(|s| s.2).sum::<usize>(), want, "{mss}");
    }
}
