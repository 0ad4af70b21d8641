//! BBR does not answer to losses: the first round of recovery sends what is delivered (packet conservation), and afterwards
//! the window is what it was before (bbr_set_cwnd_to_recover_or_restore).

use super::*;

#[test]
fn the_window_comes_back_after_recovery() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    p.run(ms(3000), true);
    let before = p.info();
    let next = p.departures.iter().map(|d| d.1.div_ceil(1448) as u64).sum::<u64>();
    p.lose = (next + 3..next + 8).collect();
    p.run(ms(1000), true);
    let after = p.info();
    assert!(after.total_retrans >= 5, "{after:?}");
    assert!(after.cwnd * 10 >= before.cwnd * 8, "{} {}", before.cwnd, after.cwnd);
    let (a, b) = (before.bbr.unwrap().bandwidth, after.bbr.unwrap().bandwidth);
    assert!(b * 10 >= a * 9, "{a} {b}");
}

#[test]
fn one_per_cent_of_loss_costs_one_per_cent() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    p.lose = (0..20_000).filter(|n| n % 100 == 57).collect();
    p.run(ms(3000), true);
    let got = p.goodput(ms(5000));
    assert!(got > 0.9 * p.capacity(), "{got} of {}", p.capacity());
}
