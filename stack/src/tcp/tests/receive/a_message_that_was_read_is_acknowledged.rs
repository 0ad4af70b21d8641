//! Linux acknowledges when the reader has taken a whole message, also one of exactly a segment (since 6.6): a peer with Nagle's
//! algorithm holds back the small rest of what it writes until then.

use super::*;

#[test]
fn a_message_that_was_read_is_acknowledged() {
    for size in [100, 1000] {
        let (mut b, seq) = settled(PLAIN);
        b.peer(ACK | PSH, seq, 1, &vec![1; size]);
        b.silent();
        assert_eq!(b.recv(size - 1).unwrap().len(), size - 1);
        b.silent();
        assert_eq!(b.recv(1).unwrap().len(), 1);
        let sent = b.flush();
        assert_eq!(sent.len(), 1, "{size}");
        assert_eq!(sent[0].repr.ack.0, b.irs + seq + size as u32);
    }
    // A full segment without PSH is the middle of a message.
    let (mut b, seq) = settled(PLAIN);
    b.peer(ACK, seq, 1, &[1; 1000]);
    assert_eq!(b.recv(1000).unwrap().len(), 1000);
    b.silent();
}
