//! RFC 6582 section 3.2 steps 1 and 4: after a recovery, duplicates of what was sent again needlessly begin no other one.

use super::*;

#[test]
fn no_false_fast_retransmit() {
    let mut b = all_sent(PLAIN);
    for _ in 0..3 {
        b.peer(ACK, 1, 1, &[]);
    }
    assert_eq!(starts(&mut b), [1]);
    b.now = b.now + ms(10);
    // Everything is acknowledged, exactly up to the recovery point; new data follows.
    b.peer(ACK, 1, 10_001, &[]);
    b.send(&[2; 5000]);
    b.flush();
    for _ in 0..4 {
        b.peer(ACK, 1, 10_001, &[]);
    }
    assert!(!starts(&mut b).contains(&10_001));
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
}

#[test]
fn the_window_ends_at_the_threshold() {
    let mut b = in_flight(PLAIN);
    for _ in 0..3 {
        b.peer(ACK, 1, 1, &[]);
    }
    b.flush();
    let ssthresh = b.info().ssthresh;
    b.now = b.now + ms(10);
    let end = 1 + b.info().bytes_in_flight;
    b.peer(ACK, 1, end, &[]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, end + 1000, &[]);
    b.flush();
    let info = b.info();
    assert_eq!(info.recovery, 0);
    assert!(info.cwnd >= ssthresh && info.cwnd <= ssthresh + 1000, "{info:?}");
}
