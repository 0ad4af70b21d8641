//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn a_batch_of_frames_costs_one_acknowledgement() {
    let (mut b, mut seq) = settled(PLAIN);
    for _ in 0..3 {
        let mut seg = b.segment(ACK, seq, 1, &[1; 20_000]);
        seg.gso_size = 1000;
        b.rx(seg);
        seq += 20_000;
    }
    assert!(!b.tcp.ack_overdue());
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.ack.0, b.irs + seq);
}
