//! RFC 6582 section 3.2 step 3, as Linux reads it (tcp_newreno_mark_lost): the hole that is being repaired is not a new one because a part of
//! it is acknowledged.

use super::*;

#[test]
fn the_repair_is_not_repeated() {
    let mut b = in_flight(PLAIN);
    for _ in 0..3 {
        b.peer(ACK, 1, 1, &[]);
    }
    assert_eq!(starts(&mut b)[0], 1);
    b.now = b.now + ms(10);
    let mut sent = Vec::new();
    for n in 1..10 {
        b.peer(ACK, 1, 1 + n * 100, &[]);
        sent.extend(starts(&mut b));
    }
    assert!(sent.iter().all(|s| *s > 10_000), "{sent:?}");
    // The next is.
    b.peer(ACK, 1, 1001, &[]);
    assert!(starts(&mut b).contains(&1001));
}
