//! RFC 1122 section 4.2.2.13, RFC 9293 section 3.6.1: close with data that was not read sends a RST.

use super::*;

#[test]
fn unread_data_makes_close_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"unread");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    assert_eq!(b.tcp.socks.len(), 0);
}
