//! RFC 9293 section 3.1, MUST-1: the window field is an unsigned number.

use super::*;

#[test]
fn a_window_above_32767_is_used() {
    let mut b = Bench::connected(Peer { window: 65_535, ..PLAIN });
    let mut acked = 1;
    // Slow start: what is acknowledged doubles the window, until that of the peer bounds it.
    for _ in 0..10 {
        let _ = b.tcp.send(b.now, b.id, &vec![7; 120_000], false);
        let sent = b.sent();
        let end = sent.iter().map(|(_, seq, len)| seq + *len as u32).max().unwrap_or(acked);
        if end - acked > 60_000 {
            assert!(end - acked <= 65_535);
            return;
        }
        for ack in (acked + 1000..=end).step_by(1000) {
            b.peer(ACK, 1, ack, &[]);
        }
        acked = end;
    }
    panic!("never more than {acked} bytes");
}
