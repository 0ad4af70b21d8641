//! RFC 5681 section 4.1.

use super::*;

#[test]
fn cwnd_restarts_after_idle() {
    let mut b = Bench::connected(PLAIN);
    let mut acked = 1;
    for _ in 0..4 {
        b.send(&[1; 40_000]);
        while b.tcp.send_queued(b.id) > 0 {
            let n: usize = b.sent().iter().map(|s| s.2).sum();
            acked += n as u32;
            b.now = b.now + ms(10);
            b.peer(ACK, 1, acked, &[]);
        }
    }
    assert!(b.info().cwnd > 30_000);
    b.advance(Duration::from_secs(10));
    b.send(&[1; 40_000]);
    assert_eq!(b.sent().len(), 10);
}
