//! RFC 3522 (Eifel), Linux's tcp_try_undo_recovery and tcp_try_undo_partial: the acknowledgement echoes a time before the first
//! retransmission, so the original had arrived.

use super::*;

#[test]
fn a_recovery_that_was_none() {
    let mut b = in_flight(STAMPS);
    let echo = b.ts_seen;
    let before = b.info().cwnd;
    b.sack(1, &[(1001, 5001)]);
    assert_eq!(starts(&mut b)[0], 1);
    b.ts_seen = echo;
    b.now = b.now + ms(5);
    b.peer(ACK, 1, 14_001.min(1 + b.info().bytes_in_flight), &[]);
    b.flush();
    assert_eq!((b.counters.tcp_spurious_recoveries, b.info().recovery), (1, 0));
    assert!(b.info().cwnd >= before);
}

#[test]
fn an_echo_of_the_retransmission_proves_nothing() {
    let mut b = in_flight(STAMPS);
    let before = b.info().cwnd;
    b.sack(1, &[(1001, 5001)]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 1 + b.info().bytes_in_flight, &[]);
    assert_eq!(b.counters.tcp_spurious_recoveries, 0);
    assert!(b.info().cwnd < before);
}
