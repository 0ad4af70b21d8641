//! Pacing keeps data back, never an acknowledgement.

use super::*;

#[test]
fn an_acknowledgement_leaves_while_data_waits_for_its_departure() {
    let mut b = paced_bench(SACK);
    b.send(&[1; 40_000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 10_001, &[]);
    b.flush();
    b.flush();
    // Data waits: the deadline is a departure.
    assert!(b.tcp.poll_timeout().is_some_and(|at| at.since(b.now) < ms(10)));
    b.peer(ACK | PSH, 1, 10_001, &[2; 1000]);
    b.peer(ACK | PSH, 1001, 10_001, &[2; 1000]);
    let sent = b.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!((sent[0].0, sent[0].2), (ACK, 0));
}
