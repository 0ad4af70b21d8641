//! RFC 6675 section 5 (2): of a frame of many segments only the lost ones are sent again, at once.

use super::*;

#[test]
fn a_large_frame_is_retransmitted_in_part() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_000);
    b.send(&[1; 14_480]);
    assert_eq!(b.flush().len(), 1);
    // Of the ten segments, the second and third are lost.
    b.sack(1449, &[(4345, 14_481)]);
    let sent = b.flush();
    assert_eq!(sent.iter().map(|s| s.payload.len()).sum::<usize>(), 2896);
    assert_eq!(sent[0].repr.seq.0, b.iss + 1449);
}
