//! RFC 8985 section 7.3: no second probe before a round trip was measured since the first; the time-out is next.

use super::*;

#[test]
fn an_acknowledged_repetition_is_no_measurement() {
    let mut b = all_sent(SACK);
    b.peer(ACK, 1, 9001, &[]);
    b.flush();
    assert_eq!(b.advance(ms(215)).len(), 1);
    b.sack(10_001, &[(9001, 10_001)]);
    b.send(&[2; 3000]);
    b.flush();
    let from = b.now;
    let sent = b.advance(ms(280));
    assert_eq!(b.counters.tcp_loss_probes, 1);
    assert!(sent[0].at.since(from) >= ms(200), "{sent:?}");
    assert_eq!(sent[0].repr.seq.0, b.iss + 10_001);
}
