//! BBR, long-term bandwidth: a token-bucket policer drops what is above its rate without ever queueing. Two intervals of
//! the same rate with much loss, and BBR sends at that rate (bbr_lt_bw_sampling).

use super::*;

#[test]
fn losses_end_when_the_policers_rate_is_known() {
    // The line has 10 Mbit/s, the policer 4, with a bucket of 100 kB.
    let link = Bottleneck { policer: Some((500_000.0, 100_000.0)), ..PATH };
    let mut p = Path::new(link, Congestion::Bbr);
    p.run(ms(4000), true);
    let mut policed = 0;
    let mut dropped = 0;
    for _ in 0..100 {
        let before = p.dropped;
        p.run(ms(40), true);
        let info = p.info().bbr.unwrap();
        if info.bandwidth < 600_000 && info.pacing_gain == 256 {
            policed += 1;
            dropped += p.dropped - before;
        }
    }
    assert!(policed > 30, "{policed}");
    // Far less than the three fifths of before are dropped meanwhile (20 kB pass in 40 ms).
    assert!(dropped < policed * 4_000, "{dropped} in {policed}");
}
