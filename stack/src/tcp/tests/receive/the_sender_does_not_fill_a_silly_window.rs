//! RFC 9293 section 3.8.6.2.1.

use super::*;

#[test]
fn the_sender_does_not_fill_a_silly_window() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 300;
    b.peer(ACK, 1, 1, &[]);
    b.send(&[1; 5000]);
    b.silent();
    // After a while, what fits is sent.
    let sent = b.advance(ms(300));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload.len(), 300);
}
