//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn a_scaled_window() {
    let mut b = Bench::connected(MODERN);
    b.peer_window = 100;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.info().snd_wnd, 12_800);
}

/// RFC 7323 section 2.2: "The window field in a segment where the SYN bit is set [...] MUST NOT be scaled."
#[test]
fn the_window_of_a_syn_ack_is_not_scaled() {
    let b = Bench::connected(Peer { window: 5000, ..MODERN });
    assert_eq!(b.info().snd_wnd, 5000);
}
