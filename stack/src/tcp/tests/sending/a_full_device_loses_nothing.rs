//! A device that takes no more frames interrupts sending; what it refused goes first afterwards.

use super::*;

#[test]
fn a_full_device_loses_nothing() {
    let mut b = Bench::connected(PLAIN);
    b.below.room = 3;
    b.send(&[1; 5000]);
    assert!(b.tcp.poll_transmit(b.now, &mut b.below, &mut b.counters).is_err());
    b.below.room = usize::MAX;
    let sent = b.sent();
    assert_eq!(sent.iter().map(|s| s.1).collect::<Vec<_>>(), [1, 1001, 2001, 3001, 4001]);
}
