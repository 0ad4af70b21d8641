//! RFC 5681 section 4.2: an acknowledgement for every second full segment at least. We feed in all that waits first, and answer once; but
//! a peer farther than 5 ms, whose segments come one by one, hears of each four.

use super::*;

/// After how many full segments the host is told to transmit, at most 100; `gso`: in frames of ten.
fn overdue_after(rtt: Duration, gso: bool) -> u32 {
    let mut b = Bench::new();
    b.connect();
    b.advance(rtt);
    b.syn_ack(MODERN);
    b.flush();
    let mut seq = 1;
    for n in 1..=100 {
        let size = if gso { 14_480 } else { 1448 };
        let mut seg = b.segment(ACK, seq, 1, &vec![1; size]);
        seg.gso_size = if gso { 1448 } else { 0 };
        b.rx(seg);
        seq += size as u32;
        if b.tcp.ack_overdue() {
            return n;
        }
    }
    100
}

#[test]
fn a_far_peer_hears_of_every_fourth_segment() {
    assert_eq!(overdue_after(ms(20), false), 4);
    assert_eq!(overdue_after(ms(2), false), (128u32 << 10).div_ceil(1448));
    assert_eq!(overdue_after(ms(20), true), (128u32 << 10).div_ceil(14_480));
}
