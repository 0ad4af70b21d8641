//! RFC 9293 section 3.10.7.4, SYN-RECEIVED: an ACK of something else than our SYN is reset, and the request stays.

use super::*;

#[test]
fn an_unacceptable_final_ack_is_reset() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    for ack in [0, 2, 9999] {
        b.peer(ACK, 1, ack, &[]);
        let sent = b.flush();
        assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, b.iss + ack));
    }
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
}

/// A segment outside the window is answered by an ACK instead, and a SYN within it ends the request.
#[test]
fn segments_outside_the_window_of_a_request() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.advance(ms(600));
    b.peer(ACK, 1_000_000, 1, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 1));
    b.peer(SYN, 100, 0, &[]);
    assert_eq!(b.flush()[0].repr.flags, RST | ACK);
    assert_eq!(b.tcp.requests.len(), 0);
}
