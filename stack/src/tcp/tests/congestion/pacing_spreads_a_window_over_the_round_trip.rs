//! Where the round trip is long a window leaves spread over it: at twice the window a round trip in slow start, at 1.2 times in
//! congestion avoidance; the first ten segments at once (tcp_update_pacing_rate, tcp_update_skb_after_send).

use super::*;

#[test]
fn the_first_ten_segments_leave_at_once_and_the_next_spread() {
    let mut b = paced_bench(SACK);
    b.send(&[1; 60_000]);
    assert_eq!(b.sent().iter().map(|s| s.2).sum::<usize>(), 10_000);
    b.advance(ms(10));
    b.peer(ACK, 1, 10_001, &[]);
    // A window of 20 segments in slow start, 10 ms: 4 MB/s.
    assert_eq!(b.info().pacing_rate, 4_000_000);
    let begun = b.now;
    let first = b.sent();
    assert!(first.iter().map(|s| s.2).sum::<usize>() <= 4000, "{first:?}");
    let rest = b.advance(ms(8));
    let bytes: usize =
        rest.iter().map(|s| s.payload.len()).sum::<usize>() + first.iter().map(|s| s.2).sum::<usize>();
    assert_eq!(bytes, 20_000);
    // 20 kB take 5 ms.
    let last = rest.last().unwrap().at.since(begun);
    assert!(last > ms(3) && last <= ms(5), "{last:?}");
}

#[test]
fn a_burst_is_a_millisecond_but_two_segments_at_least() {
    let mut p = Path::new(PATH, Congestion::Cubic);
    p.run(ms(3000), true);
    p.departures.clear();
    p.run(ms(1000), true);
    let largest = p.departures.iter().map(|d| d.1).max().unwrap();
    assert_eq!(largest, 2 * 1448);
    // 100 Mbit/s: 12 kB.
    let link = Bottleneck { rate: 12_500_000, queue: 500_000, ..PATH };
    let mut p = Path::new(link, Congestion::Bbr);
    p.run(ms(3000), true);
    p.departures.clear();
    p.run(ms(1000), true);
    let largest = p.departures.iter().map(|d| d.1).max().unwrap();
    assert!((8 * 1448..=11 * 1448).contains(&largest), "{largest}");
}
