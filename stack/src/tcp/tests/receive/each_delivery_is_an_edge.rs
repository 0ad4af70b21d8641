//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn each_delivery_is_an_edge() {
    let mut b = Bench::connected(PLAIN);
    b.events();
    let id = b.id;
    b.peer(ACK, 1, 1, b"a");
    b.peer(ACK, 2, 1, b"b");
    assert_eq!(b.events(), vec![(id, Readiness::IN)]);
    b.peer(ACK, 3, 1, b"c");
    assert_eq!(b.events(), vec![(id, Readiness::IN)]);
    // Beyond a gap there is nothing to read.
    b.peer(ACK, 5, 1, b"e");
    assert_eq!(b.events(), vec![]);
}
