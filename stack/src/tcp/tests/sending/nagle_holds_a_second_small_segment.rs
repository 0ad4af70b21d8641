//! RFC 9293 section 3.7.4.

use super::*;

#[test]
fn nagle_holds_a_second_small_segment() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"first");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 5)]);
    b.send(b"second");
    b.silent();
    b.peer(ACK, 1, 6, &[]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 6)]);
}
