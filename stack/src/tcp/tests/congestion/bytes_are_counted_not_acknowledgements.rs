//! RFC 3465: in slow start the window grows by what is acknowledged, be it by one acknowledgement or by many; so an ACK that
//! is divided gains nothing.

use super::*;

fn window_after(acks: &[u32]) -> u32 {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 40_000]);
    b.flush();
    b.advance(ms(10));
    for ack in acks {
        b.peer(ACK, 1, 1 + ack, &[]);
    }
    b.info().cwnd
}

#[test]
fn one_for_ten_segments_is_worth_ten() {
    let all: Vec<u32> = (1..=10).map(|n| n * 1000).collect();
    assert_eq!(window_after(&[10_000]), 20_000);
    assert_eq!(window_after(&all), 20_000);
}

#[test]
fn a_divided_acknowledgement_is_worth_what_it_covers() {
    let divided: Vec<u32> = (1..=100).map(|n| n * 10).collect();
    assert_eq!(window_after(&divided), window_after(&[1000]));
}
