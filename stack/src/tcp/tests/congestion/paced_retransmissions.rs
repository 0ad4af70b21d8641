//! Retransmissions are paced too, but for the first of a recovery.

use super::*;

#[test]
fn a_burst_of_losses_is_not_repaired_in_a_burst() {
    let mut b = paced_bench(SACK);
    b.send(&[1; 60_000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 10_001, &[]);
    b.flush();
    b.advance(ms(30));
    // Ten of twenty are missing.
    b.sack(10_001, &[(20_001, 30_001)]);
    let at_once: usize = b.sent().iter().map(|s| s.2).sum();
    assert!(at_once <= 5000, "{at_once}");
    let later = b.advance(ms(10));
    assert!(later.iter().map(|s| s.at).collect::<std::collections::BTreeSet<_>>().len() >= 2, "{later:?}");
}
