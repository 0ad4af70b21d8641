//! RFC 9438 section 4.6: a loss leaves CUBIC 0.7 of the window; RFC 5681 section 3.1: half of the flight for NewReno.

use super::*;

fn threshold(congestion: Congestion) -> (u32, u32) {
    let mut b = Bench::connected_with(SACK, |b| b.options(|o| o.congestion = congestion));
    b.send(&[1; 60_000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 10_001, &[]);
    b.flush();
    b.advance(ms(10));
    let before = b.info().cwnd;
    b.sack(10_001, &[(11_001, 12_001)]);
    b.sack(10_001, &[(11_001, 13_001)]);
    b.sack(10_001, &[(11_001, 14_001)]);
    b.flush();
    (before, b.info().ssthresh)
}

#[test]
fn cubic() {
    assert_eq!(threshold(Congestion::Cubic), (20_000, 14_000));
}

#[test]
fn newreno() {
    assert_eq!(threshold(Congestion::Reno), (20_000, 10_000));
}

#[test]
fn bbr_has_none() {
    assert_eq!(threshold(Congestion::Bbr).1, u32::MAX);
}
