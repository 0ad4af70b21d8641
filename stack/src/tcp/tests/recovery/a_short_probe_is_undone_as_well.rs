//! Linux's `tcp_init_undo`: a tail loss probe that is under way when a recovery begins may be reported as a duplicate too, with the
//! bytes that it had, which may be fewer than a segment's.

use super::*;

#[test]
fn every_repetition_was_a_duplicate() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 9500]);
    b.flush();
    let before = b.info().cwnd;
    let sent = b.advance(ms(30));
    assert_eq!(at(&b, &sent).iter().map(|s| s.1).collect::<Vec<_>>(), [9001]);
    assert_eq!(sent[0].payload.len(), 500);
    // The flight comes late, its first segment last.
    b.sack(1, &[(1001, 5001)]);
    assert_eq!(starts(&mut b)[0], 1);
    b.now = b.now + ms(10);
    b.sack(9501, &[(9001, 9501)]);
    b.sack(9501, &[(1, 1001)]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_recoveries, 1);
    assert!(b.info().cwnd >= before, "{:?}", b.info());
}
