//! RFC 8985 section 6.2: a retransmission is lost when something sent after it arrived a round trip later.

use super::*;

#[test]
fn it_is_sent_a_third_time_without_a_timeout() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 6001)]);
    assert_eq!(starts(&mut b)[0], 1);
    b.now = b.now + ms(1);
    b.sack(1, &[(1001, 10_001)]);
    let new = starts(&mut b);
    assert!(!new.is_empty() && new.iter().all(|s| *s > 10_000), "{new:?}");
    b.now = b.now + ms(11);
    b.sack(1, &[(1001, new[0] + 1000)]);
    assert_eq!(starts(&mut b)[0], 1);
    assert_eq!((b.counters.tcp_rto, b.counters.tcp_lost_retransmits), (0, 1));
}
