//! RFC 6298 section 5: a FIN is repeated like data.

use super::*;

#[test]
fn fin_is_retransmitted() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | FIN, 1, 0)]);
    let sent = b.advance(ms(250));
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (ACK | FIN, b.iss + 1));
}
