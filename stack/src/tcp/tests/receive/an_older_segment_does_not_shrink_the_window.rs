//! An old segment must not take a window update back.

use super::*;

#[test]
fn an_older_segment_does_not_shrink_the_window() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"abc");
    b.peer_window = 100;
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.info().snd_wnd, 60_000);
}
