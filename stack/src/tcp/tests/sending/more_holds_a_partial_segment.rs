//! send(2) MSG_MORE: a partial segment waits for the next call.

use super::*;

#[test]
fn more_holds_a_partial_segment() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.send(b.now, b.id, b"head", true).unwrap();
    b.silent();
    b.send(b"tail");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 8)]);
}
