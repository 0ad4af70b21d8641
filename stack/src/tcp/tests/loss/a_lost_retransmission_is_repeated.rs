//! A retransmission that is lost again is found by what was sent after it (RFC 8985), without a time-out.

use super::*;

#[test]
fn a_lost_retransmission_is_repeated() {
    let mut b = in_flight(SACK);
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 6001)]);
    let sent = b.sent();
    assert_eq!(sent[0], (ACK | PSH, 1, 1000));
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 10_001)]);
    let new: Vec<_> = b.sent();
    assert!(!new.is_empty() && new.iter().all(|s| s.1 >= 10_001));
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 11_001)]);
    assert_eq!(b.sent()[0], (ACK | PSH, 1, 1000));
    assert_eq!(b.counters.tcp_rto, 0);
}
