//! RFC 6298 sections 3 and 5.7 (Karn): a segment sent twice is no measure, and the back-off lasts until there is one.

use super::*;

#[test]
fn the_backoff_lasts_until_a_measurement() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"one");
    b.flush();
    b.advance(ms(220));
    b.peer(ACK, 1, 4, &[]);
    assert_eq!((b.info().backoff, b.info().retransmits), (1, 0));
    b.send(b"two");
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 7, &[]);
    assert_eq!(b.info().backoff, 0);
}

#[test]
fn an_echoed_timestamp_is_a_measurement() {
    let mut b = Bench::connected(STAMPS);
    b.send(b"one");
    b.flush();
    b.advance(ms(500));
    assert!(b.info().backoff > 0);
    b.peer(ACK, 1, 4, &[]);
    assert_eq!(b.info().backoff, 0);
}

/// The acknowledgement of the first transmission was lost.
#[test]
fn a_duplicate_ends_the_backoff_and_is_no_measurement() {
    let mut b = Bench::connected(STAMPS);
    b.send(b"one");
    b.flush();
    let echo = b.ts_seen;
    b.advance(ms(1000));
    assert!(b.info().backoff >= 2 || b.counters.tcp_rto >= 1);
    let srtt = b.info().srtt;
    b.ts_seen = echo;
    b.sack(4, &[(1, 4)]);
    assert_eq!((b.info().backoff, b.info().srtt), (0, srtt));
}
