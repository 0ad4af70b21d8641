//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn data_carries_the_acknowledgement() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 100]);
    b.send(b"answer");
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.ack.0, b.irs + seq + 100);
    assert!(b.advance(ms(100)).is_empty());
}
