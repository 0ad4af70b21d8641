//! RFC 8985 section 7.4: a probe that repaired the only loss: the acknowledgement goes beyond it without a D-SACK, and the window
//! is reduced; with a D-SACK nothing was lost.

use super::*;

/// The last segment stays away, the probe is sent. Answers the window before and the threshold after.
fn probed(dsack: bool) -> (Bench, u32) {
    let mut b = all_sent(SACK);
    b.peer(ACK, 1, 9001, &[]);
    b.flush();
    let before = b.info().cwnd;
    let sent = b.advance(ms(215));
    assert_eq!(sent.len(), 1);
    b.now = b.now + ms(10);
    if dsack {
        b.sack(10_001, &[(9001, 10_001)]);
    } else {
        b.peer(ACK, 1, 10_001, &[]);
    }
    b.send(&[2; 2000]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 12_001, &[]);
    b.flush();
    (b, before)
}

#[test]
fn a_repaired_loss_reduces_the_window() {
    let (b, before) = probed(false);
    assert_eq!(b.counters.tcp_loss_probe_recoveries, 1);
    let info = b.info();
    assert!(info.cwnd < before && info.recovery == 0, "{info:?}");
}

#[test]
fn a_duplicate_does_not() {
    let (b, _) = probed(true);
    assert_eq!(b.counters.tcp_loss_probe_recoveries, 0);
    assert_eq!(b.info().ssthresh, u32::MAX);
}
