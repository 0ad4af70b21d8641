//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn a_duplicate_is_reported_once() {
    let (mut b, seq) = settled(SACK);
    b.peer(ACK, seq - 1000, 1, &[7; 1000]);
    let ack = b.flush().remove(0);
    let at = |n: u32| SeqNumber(b.irs + n);
    assert_eq!(ack.repr.ack, at(seq));
    assert_eq!(ack.repr.options.sack_blocks.as_slice(), &[(at(seq - 1000), at(seq))]);
    b.peer(ACK, seq, 1, &[7; 1000]);
    assert!(b.advance(ms(50)).iter().all(|s| s.repr.options.sack_blocks.is_empty()));
}
