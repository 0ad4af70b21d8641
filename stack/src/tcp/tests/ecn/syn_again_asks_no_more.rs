//! RFC 3168 section 6.1.1.1: a SYN that got no answer is sent again without the flags (Linux: tcp_ecn_fallback).

use super::*;

#[test]
fn the_second_syn_is_plain() {
    let mut b = asking();
    let again = b.advance(ms(1500));
    assert_eq!(again.iter().map(|s| s.repr.flags).collect::<Vec<_>>(), [SYN]);
    answer(&mut b, PLAIN, Flags::NONE);
    assert!(!b.info().ecn);
}

#[test]
fn an_answer_to_the_first_still_agrees() {
    let mut b = asking();
    b.advance(ms(1500));
    answer(&mut b, PLAIN, ECE);
    assert!(b.info().ecn);
}
