//! RFC 3168 section 6.1.2: a window reduced because of a loss is told by CWR as well, with new data only.

use super::*;

#[test]
fn fast_recovery_is_told_with_the_first_new_data() {
    let mut b = connected(SACK);
    b.send(&[1; 30_000]);
    assert_eq!(b.sent().len(), 10);
    for n in 2..=10 {
        b.sack(1, &[(1001, n * 1000 + 1)]);
    }
    let sent = b.flush();
    let again: Vec<_> = sent.iter().filter(|s| s.repr.seq.0 == b.iss + 1).collect();
    assert_eq!(again.len(), 1, "{sent:?}");
    assert!(!again[0].repr.flags.contains(CWR) && again[0].tos == 0);
    b.peer(ACK, 1, 10_001, &[]);
    let mut fresh: Vec<_> = sent.into_iter().filter(|s| s.repr.seq.0 > b.iss + 10_000).collect();
    fresh.extend(b.flush());
    let flags: Vec<_> = fresh.iter().map(|s| s.repr.flags.contains(CWR)).collect();
    assert!(flags[0] && !flags[1..].contains(&true), "{flags:?}");
}

#[test]
fn so_is_a_time_out() {
    // Without SACK there is no tail loss probe before it.
    let mut b = connected(PLAIN);
    b.send(&[1; 1000]);
    b.flush();
    let again = b.advance(ms(500));
    assert!(again.iter().all(|s| !s.repr.flags.contains(CWR)));
    b.peer(ACK, 1, 1001, &[]);
    b.send(&[1; 1000]);
    assert_eq!(marks(&mut b), [(ACK | CWR, 1000, ECT0)]);
}
