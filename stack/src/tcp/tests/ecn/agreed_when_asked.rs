//! RFC 3168 section 6.1.1: an ECN-setup SYN is answered by an ECN-setup SYN-ACK, ECE without CWR.

use super::*;

#[test]
fn a_listener_agrees() {
    let mut b = Bench::listening(5);
    assert_eq!(client_asks(&mut b, SETUP, 0), SYN | ACK | ECE);
    accept(&mut b);
    assert!(b.info().ecn && !b.info().ecn_seen);
}

#[test]
fn half_a_question_is_none() {
    for flags in [Flags::NONE, ECE, CWR] {
        let mut b = Bench::listening(5);
        assert_eq!(client_asks(&mut b, flags, 0), SYN | ACK, "{flags:?}");
        accept(&mut b);
        assert!(!b.info().ecn);
    }
}

#[test]
fn a_syn_ack_that_is_sent_again_still_agrees() {
    let mut b = Bench::listening(5);
    client_asks(&mut b, SETUP, 0);
    let again = b.advance(ms(1500));
    assert_eq!(again.iter().map(|s| s.repr.flags).collect::<Vec<_>>(), [SYN | ACK | ECE]);
}
