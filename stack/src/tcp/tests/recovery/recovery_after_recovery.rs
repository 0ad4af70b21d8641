//! RFC 3522 where one recovery follows another at once: what counts is when the second first sent something again (Linux:
//! tcp_enter_recovery, tcp_retrans_stamp_cleanup).

use super::*;

#[test]
fn the_second_is_undone_though_the_first_was_none_too_many() {
    let mut b = in_flight(STAMPS);
    b.sack(1, &[(1001, 5001)]);
    let sent = starts(&mut b);
    assert_eq!(sent[0], 1);
    // New data follows while the first loss is repaired.
    b.now = b.now + ms(5);
    b.sack(1, &[(1001, 10_001)]);
    let new = starts(&mut b);
    assert!(new.len() >= 4 && new.iter().all(|s| *s > 10_000), "{new:?}");
    let echo = b.ts_seen;
    let next = b.info().bytes_in_flight + 1;
    b.now = b.now + ms(10);
    // The repair arrived, and of the new data all but the first segment: it is late.
    b.sack(10_001, &[(11_001, next)]);
    let sent = starts(&mut b);
    assert_eq!((sent[0], b.info().recovery, b.counters.tcp_fast_recoveries), (10_001, 3, 2));
    b.now = b.now + ms(3);
    b.ts_seen = echo;
    let end = next;
    b.peer(ACK, 1, end, &[]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_recoveries, 1);
}
