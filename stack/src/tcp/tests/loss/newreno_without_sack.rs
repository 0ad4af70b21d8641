//! RFC 5681 section 3.2, RFC 6582 section 3.2.

use super::*;

#[test]
fn newreno_without_sack() {
    let mut b = in_flight(PLAIN);
    // 1 and 3 were lost.
    for _ in 0..2 {
        b.peer(ACK, 1, 1, &[]);
    }
    // RFC 3042, limited transmit: each of the first two sends new data.
    assert_eq!(b.sent(), vec![(ACK, 10_001, 1000), (ACK, 11_001, 1000)]);
    b.peer(ACK, 1, 1, &[]);
    let sent = b.sent();
    assert_eq!(sent[0], (ACK | PSH, 1, 1000));
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
    for _ in 0..5 {
        b.peer(ACK, 1, 1, &[]);
    }
    b.flush();
    // A partial acknowledgement: the next hole at once.
    b.peer(ACK, 1, 2001, &[]);
    let sent = b.sent();
    assert_eq!(sent[0], (ACK | PSH, 2001, 1000));
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
    b.peer(ACK, 1, 12_001, &[]);
    let i = b.info();
    assert!(i.cwnd <= i.ssthresh && i.ssthresh >= 5000, "{i:?}");
    assert_eq!(b.counters.tcp_rto, 0);
}
