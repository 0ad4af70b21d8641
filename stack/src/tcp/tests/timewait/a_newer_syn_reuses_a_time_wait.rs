//! RFC 9293 section 3.10.7.4 (MAY-2), RFC 6191: a SYN that is provably newer takes the 4-tuple over.

use super::*;

#[test]
fn a_newer_syn_reuses_a_time_wait() {
    let mut b = in_time_wait();
    let before = b.iss;
    b.irs = b.irs.wrapping_add(100_000);
    b.ts_peer += 10;
    let syn_ack = b.client_syn(MODERN);
    assert!(syn_ack.repr.seq.gt(SeqNumber(before)));
    assert_eq!(b.tcp.timewaits.len(), 0);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
    assert_eq!(b.counters.tcp_timewait_reused, 1);
}
