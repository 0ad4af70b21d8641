//! After an outage the first probe has the full size: with its arrival nothing is left of the suspicion. (Linux halves its way up.)

use super::*;

#[test]
fn one_probe_and_all_is_as_before() {
    let (mut b, mut hole) = fallen_into(0);
    hole.limit = 1500;
    hole.run(&mut b, 200);
    for _ in 0..40 {
        fill(&mut b);
        hole.run(&mut b, 20);
    }
    assert_eq!(b.info().snd_mss, 1460);
    assert_eq!((b.counters.tcp_mtu_probes, b.counters.tcp_mtu_probes_arrived), (1, 1));
}
