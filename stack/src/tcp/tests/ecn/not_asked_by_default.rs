//! Linux's tcp_ecn=2: agreed when asked, not asked for.

use super::*;

#[test]
fn connect_does_not_ask() {
    let mut b = Bench::new();
    assert_eq!(b.connect().repr.flags, SYN);
    b.advance(ms(10));
    // A peer that agrees to what nobody asked for.
    answer(&mut b, PLAIN, ECE);
    assert!(!b.info().ecn);
}
