//! RFC 9293 section 3.10.5, socket(7) SO_LINGER: close is an abort when told so.

use super::*;

#[test]
fn linger_zero_makes_close_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.linger = Some(Duration::ZERO));
    b.send(b"lost");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
}
