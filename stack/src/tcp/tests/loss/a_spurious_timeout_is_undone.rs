//! RFC 3522: the acknowledgement echoes a time before the retransmission.

use super::*;

#[test]
fn a_spurious_timeout_is_undone() {
    let mut b = Bench::connected(MODERN);
    b.send(&[1; 10_000]);
    b.flush();
    let echo = b.ts_seen;
    let before = b.info().cwnd;
    // A tail loss probe, and the time-out.
    let sent = b.advance(ms(300));
    assert_eq!(sent.len(), 2);
    assert!(b.info().cwnd < before);
    b.ts_seen = echo;
    b.peer(ACK, 1, 1449, &[]);
    assert!(b.info().cwnd >= before);
    assert_eq!(b.counters.tcp_spurious_recoveries, 1);
    b.silent();
}
