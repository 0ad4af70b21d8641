//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn quickack_option() {
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK | PSH, seq, 1, &[1; 10]);
    b.silent();
    b.tcp.set_quickack(b.now, b.id, true, false);
    assert_eq!(b.flush().len(), 1);
}
