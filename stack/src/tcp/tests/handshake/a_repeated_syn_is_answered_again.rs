//! RFC 9293 section 3.10.7.4: a SYN that comes again in SYN-RECEIVED is answered again.

use super::*;

#[test]
fn a_repeated_syn_is_answered_again() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.advance(ms(600));
    let again = b.client_syn(PLAIN);
    assert_eq!(again.repr.seq.0, b.iss);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
}
