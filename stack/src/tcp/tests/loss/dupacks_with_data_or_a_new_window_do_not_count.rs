//! RFC 5681 section 2: an ACK with data or with another window is no duplicate.

use super::*;

#[test]
fn dupacks_with_data_or_a_new_window_do_not_count() {
    let mut b = in_flight(PLAIN);
    for i in 0..6 {
        b.peer_window -= 10;
        b.peer(ACK, 1 + i, 1, &[]);
        b.peer(ACK, 1 + i, 1, b"x");
    }
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
}
