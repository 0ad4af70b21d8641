//! A peer that takes its window back (RFC 9293 section 3.8.6: "a sender MUST be robust") gets as much of what is lost as it takes now,
//! and more with each acknowledgement (`__tcp_retransmit_skb`): what it would cut off would wait for another time-out.

use super::*;

#[test]
fn a_smaller_window_is_filled_with_each_acknowledgement() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 3000]);
    assert_eq!(b.flush().len(), 3);
    b.peer_window = 300;
    b.peer(ACK, 1, 1, &[]);
    b.silent();
    let mut una = 1;
    let repairs = b.advance(ms(1500));
    assert!(repairs.iter().all(|s| s.payload.len() == 300 && s.repr.seq.0 - b.iss == una), "{repairs:?}");
    assert!(!repairs.is_empty());
    while una < 2701 {
        una += 300;
        b.peer(ACK, 1, una, &[]);
        // Also across the end of a segment.
        let next = b.flush();
        assert_eq!(next.iter().map(|s| s.payload.len()).sum::<usize>(), 300.min(3001 - una as usize));
        assert_eq!(next[0].repr.seq.0 - b.iss, una);
    }
}

#[test]
fn a_closed_one_gets_a_segment_of_the_head() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 3000]);
    b.flush();
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.silent();
    let repairs = b.advance(ms(1500));
    assert!(!repairs.is_empty());
    assert!(repairs.iter().all(|s| s.payload.len() == 1000 && s.repr.seq.0 - b.iss == 1), "{repairs:?}");
}
