//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn a_gap_is_acknowledged_at_once_with_sack() {
    let (mut b, seq) = settled(SACK);
    b.peer(ACK, seq + 1000, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(ack.repr.ack.0, b.irs + seq);
    let irs = b.irs;
    let at = |n: u32| SeqNumber(irs + n);
    assert_eq!(ack.repr.options.sack_blocks.as_slice(), &[(at(seq + 1000), at(seq + 2000))]);
    b.peer(ACK, seq + 3000, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(
        ack.repr.options.sack_blocks.as_slice(),
        &[(at(seq + 3000), at(seq + 4000)), (at(seq + 1000), at(seq + 2000))]
    );
    // The first gap is filled: at once, and only the second is left to tell.
    b.peer(ACK, seq, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(ack.repr.ack.0, b.irs + seq + 2000);
    assert_eq!(ack.repr.options.sack_blocks.as_slice(), &[(at(seq + 3000), at(seq + 4000))]);
    b.peer(ACK, seq + 2000, 1, &[1; 1000]);
    let ack = b.flush().remove(0);
    assert_eq!(ack.repr.ack.0, b.irs + seq + 4000);
    assert!(ack.repr.options.sack_blocks.is_empty());
}
