//! Linux's `tcp_may_raise_cwnd`: on a path known to reorder, what arrives out of order grows the window too, for a large part of it
//! always does; elsewhere only what arrives in order (RFC 5681).

use super::*;

/// The window before and after SACKs of three segments.
fn windows(reorders: bool) -> (u32, u32) {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 60_000]);
    b.flush();
    b.now = b.now + ms(10);
    if reorders {
        b.sack(1, &[(7001, 8001)]);
        b.sack(1, &[(7001, 8001), (1001, 2001)]);
    }
    b.peer(ACK, 1, 8001, &[]);
    b.flush();
    assert_eq!(b.info().reordering > 3, reorders);
    b.now = b.now + ms(1);
    let before = b.info().cwnd;
    b.sack(8001, &[(9001, 10_001)]);
    b.flush();
    (before, b.info().cwnd)
}

#[test]
fn it_grows() {
    let (before, after) = windows(true);
    assert!(after > before, "{before} {after}");
}

#[test]
fn elsewhere_it_does_not() {
    let (before, after) = windows(false);
    assert_eq!(before, after);
}
