//! RFC 8985 section 6.2 step 5 and 6.3: with fewer than three segments beyond, the suspect is given a reordering window, by timer.

use super::*;

#[test]
fn the_last_suspect_is_lost_when_its_time_is_over() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 2000]);
    b.flush();
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 2001)]);
    b.silent();
    assert_eq!(b.info().recovery, 1);
    let from = b.now;
    let sent = b.advance(ms(30));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.seq.0, b.iss + 1);
    // A quarter of the least round trip.
    let waited = sent[0].at.since(from);
    assert!(waited >= ms(2) && waited <= Duration::from_micros(2600), "{waited:?}");
    assert_eq!((b.info().recovery, b.counters.tcp_rto), (3, 0));
}

#[test]
fn one_that_comes_in_time_is_not() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 2000]);
    b.flush();
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 2001)]);
    b.now = b.now + Duration::from_micros(500);
    b.peer(ACK, 1, 2001, &[]);
    assert!(b.advance(ms(300)).is_empty());
    assert_eq!((b.info().recovery, b.info().reord_seen), (0, 1));
}
