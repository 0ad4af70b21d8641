//! RFC 6582 section 3.2 step 3: a partial acknowledgement sends the next hole at once, and recovery goes on.

use super::*;

#[test]
fn one_hole_a_round_trip() {
    let mut b = in_flight(PLAIN);
    for _ in 0..3 {
        b.peer(ACK, 1, 1, &[]);
    }
    assert_eq!(starts(&mut b)[0], 1);
    for hole in [2001, 5001] {
        b.now = b.now + ms(10);
        b.peer(ACK, 1, hole, &[]);
        assert_eq!(starts(&mut b)[0], hole);
        assert_eq!(b.info().recovery, 3);
    }
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
}
