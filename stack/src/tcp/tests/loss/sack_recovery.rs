//! RFC 6675: holes are retransmitted as pipe allows, in order, once.

use super::*;

#[test]
fn sack_recovery() {
    let mut b = in_flight(SACK);
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 2001)]);
    b.sack(1, &[(1001, 2001), (3001, 4001)]);
    assert_eq!(b.sent(), vec![(ACK, 10_001, 1000), (ACK, 11_001, 1000)]);
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
    // The third: segment 0 has three above it, segment 2 only two.
    b.sack(1, &[(3001, 5001), (1001, 2001)]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 1000)]);
    let ssthresh = b.info().ssthresh;
    assert!((5000..=6000).contains(&ssthresh));
    b.now = b.now + ms(1);
    b.sack(1, &[(3001, 6001), (1001, 2001)]);
    b.sack(1, &[(3001, 7001), (1001, 2001)]);
    b.sack(1, &[(3001, 8001), (1001, 2001)]);
    b.sack(1, &[(3001, 9001), (1001, 2001)]);
    let sent = b.sent();
    assert!(sent.contains(&(ACK | PSH, 2001, 1000)), "{sent:?}");
    assert!(!sent.iter().any(|s| s.1 == 1 || (3001..8001).contains(&s.1)), "{sent:?}");
    b.peer(ACK, 1, 12_001, &[]);
    assert_eq!(b.counters.tcp_rto, 0);
    assert!((ssthresh..=ssthresh + 1000).contains(&b.info().cwnd));
    assert_eq!(b.counters.tcp_retransmits, 2);
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
}
