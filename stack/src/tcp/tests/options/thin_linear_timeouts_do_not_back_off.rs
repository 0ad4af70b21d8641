//! tcp(7) TCP_THIN_LINEAR_TIMEOUTS: linear time-outs while fewer than four packets are in flight, for six retries.

use super::*;

#[test]
fn thin_linear_timeouts_do_not_back_off() {
    let gaps = |thin: bool| {
        let mut b = Bench::connected(PLAIN);
        b.options(|o| o.thin_linear = thin);
        b.send(b"thin");
        b.flush();
        let times: Vec<_> = b.advance(Duration::from_secs(5)).iter().map(|s| s.at.millis()).collect();
        times.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>()
    };
    let (thin, thick) = (gaps(true), gaps(false));
    assert!(thin[..4].iter().all(|g| *g == thin[0]), "{thin:?}");
    assert!(thick[1] >= 2 * thick[0] && thick[2] >= 2 * thick[1], "{thick:?}");
    // The seventh retransmission is the first to double.
    assert!(thin[6] >= 2 * thin[5], "{thin:?}");
}
