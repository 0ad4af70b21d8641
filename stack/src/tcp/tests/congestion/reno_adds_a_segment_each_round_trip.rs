//! RFC 5681 section 3.1: congestion avoidance adds a segment for each window acknowledged.

use super::*;

#[test]
fn a_window_of_acknowledgements_is_worth_a_segment() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 100_000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 10_001, &[]);
    b.flush();
    b.advance(ms(10));
    for end in [12_001, 13_001, 14_001] {
        b.sack(10_001, &[(11_001, end)]);
        b.flush();
    }
    // Everything arrives: recovery is over with half of what was in flight.
    b.advance(ms(10));
    let mut una = 30_001;
    b.peer(ACK, 1, una, &[]);
    b.flush();
    let mut cwnd = b.info().cwnd;
    assert!((10_000..=11_000).contains(&cwnd), "{cwnd}");
    for _ in 0..5 {
        for _ in 0..cwnd / 1000 {
            b.advance(ms(1));
            una = (una + 1000).min(una + b.info().bytes_in_flight);
            b.peer(ACK, 1, una, &[]);
            b.flush();
        }
        let grown = b.info().cwnd - cwnd;
        assert!((0..=1000).contains(&grown) || grown == 2000, "{grown}");
        cwnd = b.info().cwnd;
    }
    assert!((13_000..=17_000).contains(&cwnd), "{cwnd}");
}
