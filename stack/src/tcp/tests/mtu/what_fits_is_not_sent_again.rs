//! RFC 1191 section 6.5, Linux's tcp_simple_retransmit: a router that says "too big" dropped what is larger; what is not was delivered.

use super::*;

#[test]
fn only_what_was_too_big() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 2500]);
    assert_eq!(b.sent().iter().map(|s| s.2).collect::<Vec<_>>(), [1000, 1000, 500]);
    b.below.mtu = 840;
    too_big(&mut b, 1, 840);
    let again: Vec<_> = b.sent().iter().map(|s| (s.1, s.2)).collect();
    assert_eq!(again.iter().map(|s| s.1).sum::<usize>(), 2000, "{again:?}");
    assert!(again.iter().all(|s| s.0 < 2001), "{again:?}");
}
