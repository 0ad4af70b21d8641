//! BBR after minutes in which a segment came through now and then: neither what was measured meanwhile nor what was retransmitted
//! before its time keeps the connection silent for long.

use super::*;

#[test]
fn the_rate_is_found_again_within_a_minute() {
    for rate in [10.0, 20.0, 50.0, 100.0, 200.0, 450.0, 1000.0] {
        let mut p = Path::new(PATH, Congestion::Bbr);
        p.run(ms(3000), true);
        p.link.policer = Some((rate, 1514.0));
        for _ in 0..40 {
            p.run(ms(10_000), true);
        }
        p.link.policer = None;
        p.run(ms(60_000), true);
        let before = p.received;
        p.run(ms(10_000), true);
        let received = p.received - before;
        assert!(received > 10_000_000, "{received} bytes in 10 s after {rate} B/s: {:?}", p.info().bbr);
    }
}
