//! RFC 3708, Linux's tcp_try_undo_dsack: when every retransmission is reported as a duplicate, the reduction is undone.

use super::*;

#[test]
fn a_needless_recovery_is_undone() {
    let mut b = in_flight(SACK);
    let before = b.info().cwnd;
    b.sack(1, &[(1001, 5001)]);
    assert_eq!(starts(&mut b)[0], 1);
    assert!(b.info().ssthresh <= before);
    b.now = b.now + ms(10);
    // Original and repetition arrived.
    b.sack(10_001, &[(1, 1001)]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_recoveries, 1);
    let info = b.info();
    assert!(info.cwnd >= before && info.ssthresh >= before / 4 * 3, "{info:?}");
    assert_eq!(info.recovery, 0);
}

#[test]
fn half_of_them_prove_nothing() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(2001, 6001)]);
    let mut sent = starts(&mut b);
    b.now = b.now + ms(1);
    b.sack(1, &[(2001, 9001)]);
    sent.extend(starts(&mut b));
    assert!(sent.contains(&1) && sent.contains(&1001), "{sent:?}");
    b.now = b.now + ms(10);
    b.sack(10_001, &[(1, 1001)]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_recoveries, 0);
}

#[test]
fn one_that_was_never_repeated_proves_nothing() {
    let mut b = in_flight(SACK);
    b.sack(1001, &[(1, 1001)]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_recoveries, 0);
    assert_eq!((b.info().recovery, b.info().dsack_dups), (0, 1));
}
