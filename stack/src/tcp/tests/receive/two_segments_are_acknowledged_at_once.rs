//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn two_segments_are_acknowledged_at_once() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK, seq, 1, &[1; 1000]);
    b.silent();
    b.peer(ACK, seq + 1000, 1, &[1; 1000]);
    assert_eq!(b.flush().len(), 1);
}
