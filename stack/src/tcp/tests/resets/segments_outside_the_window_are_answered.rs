//! RFC 9293 section 3.10.7.4, first: an unacceptable segment is answered by an acknowledgement.

use super::*;

#[test]
fn segments_outside_the_window_are_answered() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1_000_000, 1, b"far");
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 1);
    assert_eq!(b.counters.tcp_out_of_window, 1);
}
