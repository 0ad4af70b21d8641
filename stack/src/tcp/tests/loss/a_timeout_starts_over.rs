//! RFC 5681 section 3.1: one segment, and slow start to half of what was in flight.

use super::*;

#[test]
fn a_timeout_starts_over() {
    let mut b = in_flight(PLAIN);
    let sent = b.advance(ms(250));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.seq.0, b.iss + 1);
    let i = b.info();
    assert_eq!((i.cwnd, i.ssthresh), (1000, 5000));
    b.peer(ACK, 1, 1001, &[]);
    // F-RTO (RFC 5682) sends new data first; duplicates say that the loss was one.
    assert_eq!(b.sent(), vec![(ACK, 10_001, 1000), (ACK, 11_001, 1000)]);
    b.peer(ACK, 1, 1001, &[]);
    assert_eq!(b.sent()[0], (ACK | PSH, 1001, 1000));
}
