//! RFC 3168 section 6.1.5: the ECN field of data that is outside the window is ignored: somebody may repeat an old packet with a mark.

use super::*;

#[test]
fn a_repeated_segment_with_a_mark_is_not_echoed() {
    let mut b = connected(PLAIN);
    data(&mut b, Flags::NONE, 1, 3000, ECT0);
    b.flush();
    data(&mut b, Flags::NONE, 1, 1000, CE);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
    assert_eq!(b.counters.tcp_ecn_ce_in, 0);
}

#[test]
fn nor_is_one_beyond_the_window() {
    let mut b = connected(PLAIN);
    data(&mut b, Flags::NONE, 1, 3000, ECT0);
    b.flush();
    data(&mut b, Flags::NONE, 900_000_000, 1000, CE);
    assert!(marks(&mut b).iter().all(|m| !m.0.contains(ECE)));
    assert_eq!(b.counters.tcp_ecn_ce_in, 0);
}
