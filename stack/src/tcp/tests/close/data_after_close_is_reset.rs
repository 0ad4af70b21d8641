//! RFC 1122 section 4.2.2.13, RFC 9293 section 3.6.1: data that comes after close is answered by a RST.

use super::*;

#[test]
fn data_after_close_is_reset() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK, 1, 2, b"hello?");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, b.iss + 2));
    assert_eq!(b.tcp.socks.len(), 0);
    assert_eq!(b.counters.tcp_data_after_close, 1);
}
