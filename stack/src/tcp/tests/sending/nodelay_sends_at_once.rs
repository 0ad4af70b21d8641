//! tcp(7) TCP_NODELAY: small segments go at once, also those that waited when it is set.

use super::*;

#[test]
fn nodelay_sends_at_once() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"first");
    b.flush();
    b.send(b"second");
    b.silent();
    b.options(|o| o.nodelay = true);
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 6)]);
    b.send(b"third");
    assert_eq!(b.sent(), vec![(ACK | PSH, 12, 5)]);
}
