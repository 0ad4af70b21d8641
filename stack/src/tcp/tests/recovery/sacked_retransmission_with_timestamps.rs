//! RFC 8985 section 6.2 step 2: a SACKed retransmission counts as delivered, although its acknowledgement echoes an older timestamp,
//! as every one does that reports data beyond a hole (RFC 7323 section 4.3).

use super::*;

#[test]
fn a_probes_sack_reveals_the_losses() {
    let mut b = all_sent(STAMPS);
    b.peer(ACK, 1, 7001, &[]);
    b.flush();
    let echo = b.ts_seen;
    assert_eq!(b.advance(ms(40)).len(), 1);
    assert_eq!(b.counters.tcp_loss_probes, 1);
    b.ts_seen = echo;
    b.sack(7001, &[(9001, 10_001)]);
    assert_eq!(starts(&mut b), [7001]);
    assert_eq!(b.counters.tcp_rto, 0);
}
