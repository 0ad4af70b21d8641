//! RFC 9293 section 3.10.7.1: what belongs to no connection is answered by a RST, unless it is one.

use super::*;

#[test]
fn an_unknown_connection_is_reset() {
    let mut b = Bench::new();
    b.local = 1234;
    b.peer(ACK, 5, 77, b"x");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, 77));
    b.peer(SYN | PSH, 5, 77, b"x");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST | ACK, 0));
    assert_eq!(sent[0].repr.ack.0, b.irs + 5 + 2);
    b.peer(RST, 5, 77, b"");
    b.silent();
}
