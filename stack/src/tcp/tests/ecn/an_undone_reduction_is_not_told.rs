//! tcp_ecn_withdraw_cwr: a reduction that is undone before it was told is not told. CWR would end the echo of a mark that nobody
//! has heeded (RFC 3168 section 6.1.2).

use super::*;

#[test]
fn an_undone_reduction_is_not_told() {
    let mut b = connected(Peer { timestamps: true, ..SACK });
    b.send(&[1; 988 * 4]);
    assert_eq!(b.sent().len(), 4);
    let echo = b.ts_seen;
    b.now = b.now + ms(10);
    b.sack(1, &[(989, 988 * 4 + 1)]);
    assert_eq!(b.sent().len(), 1, "the head again");
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
    // The original arrives after all (Eifel).
    b.ts_seen = echo;
    b.peer(ACK, 1, 988 * 4 + 1, &[]);
    assert_eq!(b.counters.tcp_spurious_recoveries, 1);
    b.send(&[1; 1976]);
    let sent = marks(&mut b);
    assert_eq!(sent, [(ACK, 988, ECT0), (ACK, 988, ECT0)]);
}
