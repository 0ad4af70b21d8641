//! RFC 5682 section 3.1 step 3.b: after a time-out, something arrives that was sent once and before it: nothing was lost.

use super::*;

#[test]
fn a_delay_is_no_loss() {
    let mut b = in_flight(SACK);
    let before = b.info().cwnd;
    b.advance(ms(500));
    assert_eq!(b.counters.tcp_rto, 1);
    assert!(b.info().cwnd < before);
    // The head's acknowledgement, late; the next ones follow.
    b.peer(ACK, 1, 1001, &[]);
    b.flush();
    b.peer(ACK, 1, 2001, &[]);
    let sent = starts(&mut b);
    assert!(sent.iter().all(|s| *s > 10_000), "{sent:?}");
    assert_eq!((b.counters.tcp_spurious_rtos, b.info().recovery), (1, 0));
    assert!(b.info().cwnd >= before);
    assert_eq!(b.counters.tcp_retransmits, 1, "the head alone");
}
