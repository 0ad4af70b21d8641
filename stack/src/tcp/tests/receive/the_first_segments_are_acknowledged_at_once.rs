//! When acknowledgements leave: RFC 9293 section 3.8.6.3, RFC 5681 section 4.2, RFC 2018, RFC 2883.

use super::*;

#[test]
fn the_first_segments_are_acknowledged_at_once() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | PSH, 1, 1, &[1; 100]);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.ack.0, b.irs + 101);
}
