//! Linux's tcp_check_sack_reordering: how far apart the network reorders is measured, and so many segments beyond are no loss.

use super::*;

#[test]
fn the_degree_is_learnt_and_believed() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 3001)]);
    // The head comes late, then SACKs say that six were passed.
    b.peer(ACK, 1, 3001, &[]);
    b.flush();
    b.sack(3001, &[(9001, 10_001)]);
    b.sack(3001, &[(9001, 10_001), (4001, 5001)]);
    let info = b.info();
    assert_eq!((info.reordering, info.reord_seen), (6, 2));
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
}

#[test]
fn retransmissions_teach_nothing() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 5001)]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 5001, &[]);
    assert_eq!((b.info().reordering, b.info().reord_seen), (3, 0));
}

#[test]
fn without_sack_more_duplicates_than_segments_teach_it() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 2000]);
    b.flush();
    for _ in 0..3 {
        b.peer(ACK, 1, 1, &[]);
    }
    assert!(b.info().reord_seen > 0);
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
}
