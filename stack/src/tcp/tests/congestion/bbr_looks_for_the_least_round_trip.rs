//! BBR, PROBE_RTT: when the least round trip is ten seconds old, four segments in flight for 200 ms, then the window of before.

use super::*;

#[test]
fn the_window_goes_down_to_four_segments_for_200_ms() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    p.run(ms(3000), true);
    let before = p.info().cwnd;
    let mut low = Vec::new();
    // Another flow's queue, if there were one, would not matter: the least is what the empty path had.
    for n in 0..1200 {
        p.run(ms(10), true);
        if p.info().cwnd <= 4 * 1448 {
            low.push(n);
        }
    }
    assert!((20..=40).contains(&low.len()), "{low:?}");
    let after = p.info();
    assert!(after.cwnd * 10 >= before * 8, "{before} {}", after.cwnd);
    assert!(after.bbr.unwrap().min_rtt.unwrap() < ms(43));
}
