//! RFC 6928 section 2: the initial window is ten segments; RFC 5681 section 3.1: slow start from there.

use super::*;

#[test]
fn the_initial_window_is_ten_segments() {
    let mut b = Bench::connected(PLAIN);
    assert_eq!(b.send(&[1; 50_000]), 50_000);
    let sent = b.sent();
    assert_eq!(sent.len(), 10);
    assert!(sent.iter().all(|s| s.2 == 1000 && s.0 == ACK));
    // RFC 5681 section 3.1, slow start: two for each.
    b.peer(ACK, 1, 2001, &[]);
    assert_eq!(b.sent().len(), 4);
}
