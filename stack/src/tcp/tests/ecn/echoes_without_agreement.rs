//! Without agreement the flags mean nothing, and marks are not echoed.

use super::*;

#[test]
fn an_echo_changes_nothing() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 30_000]);
    b.flush();
    let before = b.info().cwnd;
    b.peer(ACK | ECE, 1, 1001, &[]);
    b.flush();
    assert!(b.info().cwnd >= before);
    assert_eq!(b.counters.tcp_ecn_echoes_in, 0);
}

#[test]
fn a_mark_is_not_echoed() {
    let mut b = Bench::connected(SACK);
    data(&mut b, Flags::NONE, 1, 3000, CE);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
    assert!(!b.info().ecn_seen);
}
