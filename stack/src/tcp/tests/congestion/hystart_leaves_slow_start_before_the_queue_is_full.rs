//! RFC 9406, and Linux's ACK train: the first slow start ends when the pipe is full, before the queue overflows; without that it goes on.

use super::*;

#[test]
fn no_loss_where_slow_start_would_overflow_the_queue() {
    // Two products of queue: doubling ends in the loss of some hundred segments, a quarter of the pace does not.
    let link = Bottleneck { rate: 12_500_000, queue: 800_000, ..PATH };
    let mut p = Path::new(link, Congestion::Cubic);
    p.run(ms(1500), true);
    let info = p.info();
    assert!(info.ssthresh < 4_000_000, "{info:?}");
    assert_eq!(p.dropped, 0);
    let got = p.goodput(ms(3000));
    assert!(got > 0.95 * p.capacity(), "{got}");
}

#[test]
fn newreno_has_it_not() {
    let link = Bottleneck { rate: 12_500_000, queue: 800_000, ..PATH };
    let mut p = Path::new(link, Congestion::Reno);
    p.run(ms(1500), true);
    assert!(p.dropped > 0);
}

#[test]
fn a_steady_round_trip_does_not_end_slow_start() {
    // The peer's window is what holds back: no queue.
    let link = Bottleneck { rate: 1_250_000_000, queue: 40_000_000, ..PATH };
    let mut p = Path::new(link, Congestion::Cubic);
    p.run(ms(340), true);
    let info = p.info();
    assert_eq!(info.ssthresh, u32::MAX);
    assert!(info.cwnd > 1_000_000, "{info:?}");
}
