//! RFC 3168 section 6.1.1: who asked uses ECN when the SYN-ACK has ECE without CWR.

use super::*;

#[test]
fn an_agreeing_answer_turns_it_on() {
    let mut b = asking();
    answer(&mut b, PLAIN, ECE);
    assert!(b.info().ecn);
}

#[test]
fn a_plain_answer_does_not() {
    let mut b = asking();
    answer(&mut b, PLAIN, Flags::NONE);
    assert!(!b.info().ecn);
    b.send(&[1; 1000]);
    assert_eq!(marks(&mut b), [(ACK, 1000, 0)]);
}
