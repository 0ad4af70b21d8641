//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn a_frame_of_many_segments_counts_as_many() {
    let (mut b, seq) = settled(PLAIN);
    let mut seg = b.segment(ACK, seq, 1, &[1; 20_000]);
    seg.gso_size = 1000;
    b.rx(seg);
    assert_eq!(b.flush().len(), 1);
}
