//! RFC 9438 section 4.9: a recovery that timestamps prove needless (RFC 3522) leaves the window as it was.

use super::*;

#[test]
fn after_a_needless_time_out() {
    let peer = Peer { timestamps: true, mss: Some(1012), ..SACK };
    let mut b = Bench::connected_with(peer, |b| b.options(|o| o.congestion = Congestion::Cubic));
    b.send(&[1; 10_000]);
    b.flush();
    let stamp = b.ts_seen;
    let before = b.info().cwnd;
    // The path stalls, the timer expires, and then the acknowledgement of the original comes.
    b.advance(ms(400));
    assert!(b.info().cwnd < before);
    b.ts_seen = stamp;
    b.peer(ACK, 1, 1001, &[]);
    b.flush();
    assert!(b.info().cwnd >= before, "{} {before}", b.info().cwnd);
    assert_eq!(b.info().ssthresh, u32::MAX);
}
