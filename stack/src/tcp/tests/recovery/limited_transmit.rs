//! RFC 3042: each of the first two duplicates sends one segment of new data; none is sent again.

use super::*;

fn both(peer: Peer, duplicate: impl Fn(&mut Bench, u32)) {
    let mut b = in_flight(peer);
    for n in 0..2 {
        duplicate(&mut b, n);
        assert_eq!(starts(&mut b), [10_001 + n * 1000]);
        assert_eq!(b.info().recovery, 1, "Disorder");
    }
    duplicate(&mut b, 2);
    assert_eq!(starts(&mut b)[0], 1);
    assert_eq!(b.info().recovery, 3);
}

#[test]
fn without_sack() {
    both(PLAIN, |b, _| b.peer(ACK, 1, 1, &[]));
}

#[test]
fn with_sack() {
    both(SACK, |b, n| b.sack(1, &[(1001, 2001 + n * 1000)]));
}
