//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn a_single_segment_waits_40_ms() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 1000]);
    b.silent();
    let at = b.now + ms(40);
    let sent = b.advance(ms(60));
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].at, sent[0].repr.ack.0), (at, b.irs + seq + 1000));
}
