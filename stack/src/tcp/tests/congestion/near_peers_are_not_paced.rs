//! Below a round trip of 1 ms nothing is paced: a window leaves at once, in frames as large as they may be.

use super::*;

#[test]
fn a_window_leaves_at_once() {
    let link = Bottleneck { rate: 1_250_000_000, delay: Duration::from_micros(200), ..PATH };
    let mut p = Path::new(link, Congestion::Cubic);
    p.run(ms(20), true);
    p.run(ms(20), false);
    p.departures.clear();
    p.send(100_000);
    p.run(ms(1), false);
    // Two frames, as large as they may be, in the same instant.
    let first = p.departures[0].0;
    assert!(p.departures.iter().all(|d| d.0 == first), "{:?}", p.departures);
    assert_eq!((p.departures.len(), p.departures.iter().map(|d| d.1).sum::<usize>()), (2, 100_000));
}
