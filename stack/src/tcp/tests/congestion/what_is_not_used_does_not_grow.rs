//! RFC 7661, Linux's is_cwnd_limited: acknowledgements of a program that does not fill the window do not open it.

use super::*;

#[test]
fn small_exchanges_leave_the_window_alone() {
    for congestion in [Congestion::Reno, Congestion::Cubic] {
        let mut b = Bench::connected_with(SACK, |b| b.options(|o| o.congestion = congestion));
        for n in 0..100 {
            b.send(&[1; 1000]);
            b.flush();
            b.advance(ms(10));
            b.peer(ACK, 1, 1001 + n * 1000, &[]);
        }
        assert_eq!(b.info().cwnd, 10_000);
    }
}

#[test]
fn half_of_it_is_enough_in_slow_start() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 6000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 6001, &[]);
    assert_eq!(b.info().cwnd, 16_000);
}
