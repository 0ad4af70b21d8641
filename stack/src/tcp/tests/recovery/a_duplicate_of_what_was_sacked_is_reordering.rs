//! Linux's `tcp_sacktag_one`: a D-SACK for a segment beyond the hole that was repeated and had been SACKed already: the original
//! came late, so the network reorders.

use super::*;

/// The first and the third segment are taken for lost and repeated; the third, or its repetition, arrives first.
fn repaired() -> Bench {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 2001), (3001, 6001)]);
    let mut again = starts(&mut b);
    b.now = b.now + ms(1);
    b.sack(1, &[(1001, 2001), (3001, 9001)]);
    again.extend(starts(&mut b));
    assert!(again.contains(&1) && again.contains(&2001), "{again:?}");
    b.now = b.now + ms(9);
    b.sack(1, &[(1001, 9001)]);
    b.flush();
    assert_eq!(b.info().reord_seen, 0);
    b
}

#[test]
fn a_second_copy_proves_it() {
    let mut b = repaired();
    b.now = b.now + ms(1);
    b.sack(1, &[(2001, 3001), (1001, 9001)]);
    assert_eq!((b.info().dsack_dups, b.info().reord_seen), (1, 1));
}

#[test]
fn of_what_was_never_repeated_it_does_not() {
    let mut b = repaired();
    b.sack(1, &[(4001, 5001), (1001, 9001)]);
    assert_eq!((b.info().dsack_dups, b.info().reord_seen), (1, 0));
}
