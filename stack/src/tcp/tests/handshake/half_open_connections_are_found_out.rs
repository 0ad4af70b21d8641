//! RFC 9293 section 3.5.1, figures 9 and 10: one end has forgotten the connection, or has begun a new one.

use super::*;

/// Figure 10: the peer does not know the connection any more and answers our data by a RST.
#[test]
fn data_to_a_peer_that_forgot_ends_in_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"still there?");
    b.flush();
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::ConnectionReset));
}

/// Figure 9, from the side that remembers: a SYN in the connection is answered by what we expect, the peer's RST ends it, and
/// his next SYN finds the listener (RFC 5961 section 4.2).
#[test]
fn a_peer_that_begins_anew_gets_in_after_its_reset() {
    let (mut b, listener) = Bench::accepted(PLAIN);
    let old = b.id;
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.seq = SeqNumber(b.irs + 400_000);
    b.rx(syn);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0, sent[0].repr.ack.0), (ACK, b.iss + 1, b.irs + 1));
    // <SEQ=SEG.ACK><CTL=RST>
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.tcp.take_error(old), Some(Error::ConnectionReset));
    b.id = listener;
    b.irs += 400_000;
    b.client_syn(PLAIN);
    b.client_ack();
    assert!(b.tcp.accept(listener).is_ok());
}
