//! RFC 8985 section 7.3: the probe is new data where there is some and the peer's window has room, whatever the congestion window.

use super::*;

#[test]
fn one_segment_beyond_the_congestion_window() {
    let mut b = in_flight(SACK);
    let sent = b.advance(ms(20));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.seq.0, b.iss + 10_001);
    assert_eq!((b.counters.tcp_loss_probes, b.counters.tcp_retransmits), (1, 0));
    let before = b.info().ssthresh;
    b.peer(ACK, 1, 11_001, &[]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 13_001, &[]);
    assert_eq!(b.info().ssthresh, before, "nothing was lost");
}

#[test]
fn a_closed_window_repeats_the_tail() {
    let mut b = Bench::connected(SACK);
    b.peer_window = 5000;
    b.peer(ACK, 1, 1, &[]);
    b.send(&[1; 30_000]);
    assert_eq!(b.sent().len(), 5);
    let sent = b.advance(ms(50));
    assert_eq!(sent[0].repr.seq.0, b.iss + 4001);
}
