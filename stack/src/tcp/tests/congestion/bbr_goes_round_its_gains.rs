//! BBR, PROBE_BW: eight phases of a round trip each, with gains 5/4, 3/4 and six times 1 (bbr_pacing_gain).

use super::*;

#[test]
fn each_gain_is_used_about_its_share_of_the_time() {
    let mut p = Path::new(PATH, Congestion::Bbr);
    p.run(ms(2000), true);
    let mut seen = BTreeMap::new();
    for _ in 0..600 {
        p.run(ms(10), true);
        *seen.entry(p.info().bbr.unwrap().pacing_gain).or_insert(0) += 1;
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [192, 256, 320], "{seen:?}");
    // An eighth each, the lower one at most so long.
    assert!((40..150).contains(&seen[&320]) && (5..110).contains(&seen[&192]), "{seen:?}");
    assert_eq!(p.info().bbr.unwrap().cwnd_gain, 512);
}
