//! BBR, DRAIN: the queue that STARTUP made is gone soon after, and the round trip is that of the empty path again.

use super::*;

#[test]
fn the_round_trip_comes_down_again() {
    let link = Bottleneck { queue: 400_000, ..PATH };
    let mut p = Path::new(link, Congestion::Bbr);
    let mut highest = Duration::ZERO;
    for _ in 0..60 {
        p.run(ms(10), true);
        highest = highest.max(p.info().srtt);
    }
    assert!(highest > ms(55), "{highest:?}");
    p.run(ms(1000), true);
    assert!(p.info().srtt < ms(55), "{:?} {highest:?}", p.info().srtt);
    assert_eq!(p.dropped, 0);
}

#[test]
fn a_window_that_fills_a_deep_queue_is_not_used() {
    // Ten products of queue: CUBIC fills them, BBR keeps about one round trip in flight.
    let link = Bottleneck { queue: 500_000, ..PATH };
    let mut srtt = [Congestion::Cubic, Congestion::Bbr].map(|congestion| {
        let mut p = Path::new(link, congestion);
        p.run(ms(8000), true);
        p.info().srtt
    });
    assert!(srtt[0] > ms(150) && srtt[1] < ms(60), "{srtt:?}");
    srtt.reverse();
}
