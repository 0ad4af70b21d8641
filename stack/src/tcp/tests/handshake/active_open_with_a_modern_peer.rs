//! RFC 9293 section 3.5, figure 6, from the side that begins; options that both offer are in force.

use super::*;

#[test]
fn active_open_with_a_modern_peer() {
    let mut b = Bench::connected(MODERN);
    let i = b.info();
    assert_eq!((i.snd_mss, i.snd_wscale, i.sack, i.timestamps), (1448, 7, true, true));
    assert_eq!(i.cwnd, 14_480);
    assert_eq!(i.srtt, ms(10));
    let id = b.id;
    assert_eq!(b.events(), vec![(id, Readiness::OUT)]);
    assert_eq!(b.ready(), Readiness::OUT);
}
