//! RFC 2861, Linux's tcp_cwnd_application_limited: a window that a program has not used for a time-out comes half way down to
//! what it uses, and slow start may bring it back.

use super::*;

#[test]
fn half_way_down_each_time_out() {
    let link = Bottleneck { rate: 125_000_000, queue: 10_000_000, ..PATH };
    let mut p = Path::new(link, Congestion::Reno);
    p.run(ms(300), true);
    p.run(ms(100), false);
    let before = p.info().cwnd;
    assert!(before > 200_000, "{before}");
    // A segment every 50 ms: never idle, never near the window.
    for _ in 0..9 {
        p.send(1000);
        p.run(ms(50), false);
    }
    let after = p.info();
    assert!(after.cwnd < before * 6 / 10 && after.cwnd > before / 5, "{before} {}", after.cwnd);
    assert!(after.ssthresh >= before / 4 * 3);
}
