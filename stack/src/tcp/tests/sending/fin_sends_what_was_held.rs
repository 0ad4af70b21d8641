//! What TCP_CORK held goes with the FIN of close(2).

use super::*;

#[test]
fn fin_sends_what_was_held() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.cork = true);
    b.send(b"header");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 6)]);
}
