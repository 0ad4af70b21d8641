//! A peer that takes part of its window back gets no probe beyond it (Linux: `__tcp_retransmit_skb` cuts the segment); with none left
//! the head of what is under way is the window probe.

use super::*;

/// What is probed with after the window ended at `end`.
fn probe(sent: usize, end: u16) -> Vec<(u32, usize)> {
    let mut b = Bench::connected(SACK);
    b.send(&vec![1; sent]);
    b.flush();
    b.now = b.now + ms(1);
    b.peer_window = end - 1;
    b.peer(ACK, 2, 1, &[]);
    let sent = b.advance(ms(215));
    assert_eq!(b.counters.tcp_rto, 0);
    sent.iter().map(|s| (s.repr.seq.0.wrapping_sub(b.iss), s.payload.len())).collect()
}

#[test]
fn part_of_the_tail() {
    assert_eq!(probe(10_000, 9501), [(9001, 500)]);
    assert_eq!(probe(10_000, 10_001), [(9001, 1000)]);
}

#[test]
fn nothing_of_it_but_the_head() {
    assert_eq!(probe(1000, 1), [(1, 1000)]);
}
