//! RFC 5682 section 2.1: the basic form, for a peer without SACK.

use super::*;

#[test]
fn acknowledgements_that_go_on_undo_the_timeout() {
    let mut b = in_flight(PLAIN);
    let before = b.info().cwnd;
    let sent = b.advance(ms(300));
    assert_eq!(sent.len(), 1);
    b.peer(ACK, 1, 2001, &[]);
    let new = starts(&mut b);
    assert!(!new.is_empty() && new.iter().all(|s| *s > 10_000), "{new:?}");
    b.peer(ACK, 1, 3001, &[]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_rtos, 1);
    assert!(b.info().cwnd >= before);
}

#[test]
fn duplicates_confirm_it() {
    let mut b = in_flight(PLAIN);
    b.advance(ms(300));
    b.peer(ACK, 1, 1001, &[]);
    assert!(starts(&mut b).iter().all(|s| *s > 10_000));
    b.peer(ACK, 1, 1001, &[]);
    assert_eq!(starts(&mut b)[0], 1001);
    assert_eq!(b.counters.tcp_spurious_rtos, 0);
}
