//! TCP_INFO: TCPI_OPT_ECN, TCPI_OPT_ECN_SEEN, tcpi_delivered_ce.

use super::*;

#[test]
fn seen_when_the_peer_marks_its_data() {
    let mut b = connected(SACK);
    data(&mut b, Flags::NONE, 1, 1000, 0);
    assert!(!b.info().ecn_seen);
    data(&mut b, Flags::NONE, 1001, 1000, ECT0);
    assert!(b.info().ecn_seen);
}

#[test]
fn what_echoes_acknowledge_is_counted() {
    let mut b = connected(SACK);
    b.send(&[1; 10_000]);
    b.flush();
    b.peer(ACK, 1, 2001, &[]);
    b.peer(ACK | ECE, 1, 5001, &[]);
    assert_eq!((b.info().delivered, b.info().delivered_ce), (5, 3));
}
