//! RFC 5682 section 3.1 step 3.a: after a time-out, duplicates beyond the new data say that the loss was one.

use super::*;

#[test]
fn slow_start_goes_over_what_is_lost() {
    let mut b = in_flight(SACK);
    let sent = b.advance(ms(500));
    // The tail loss probe with new data, and the head.
    assert_eq!(sent.last().unwrap().repr.seq.0, b.iss + 1);
    b.peer(ACK, 1, 1001, &[]);
    let new = starts(&mut b);
    assert!(!new.is_empty() && new.iter().all(|s| *s > 10_000), "new data first: {new:?}");
    b.now = b.now + ms(10);
    let end = *new.last().unwrap() + 1000;
    b.sack(1001, &[(new[0], end)]);
    let again = starts(&mut b);
    assert_eq!(again[0], 1001);
    assert_eq!((b.info().recovery, b.counters.tcp_spurious_rtos), (4, 0));
    assert!(b.info().cwnd < 10_000);
}

#[test]
fn where_no_new_data_is_there_the_loss_is_taken_for_real() {
    let mut b = all_sent(SACK);
    b.advance(ms(500));
    b.peer(ACK, 1, 1001, &[]);
    assert_eq!(starts(&mut b)[0], 1001);
}
