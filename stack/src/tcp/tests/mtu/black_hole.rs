//! RFC 4821 section 7.7, and Linux's tcp_mtu_probing=1: when retransmissions have failed for as long as tcp_retries1 allows, segments
//! shrink to tcp_base_mss.

use super::*;

#[test]
fn segments_shrink_to_the_base_after_three_seconds() {
    let mut b = Bench::connected(WIDE);
    b.send(&[1; 30_000]);
    let start = b.now;
    let sent = b.advance(Duration::from_secs(8));
    let first = sent.iter().find(|s| s.payload.len() != 1460).expect("the segments shrink");
    assert_eq!(first.payload.len(), 1024);
    let after = first.at.since(start).as_millis();
    assert!((3000..8000).contains(&after), "{after} ms");
    assert_eq!(b.counters.tcp_black_holes, 1);
}

#[test]
fn everything_arrives() {
    let (mut b, mut hole) = fallen_into(1100);
    hole.run(&mut b, 200);
    assert_eq!(hole.next, 30_001);
    assert_eq!(b.info().bytes_in_flight, 0);
}

#[test]
fn with_timestamps_their_room_is_part_of_the_base() {
    let mut b = Bench::connected(MODERN);
    b.send(&[1; 30_000]);
    let sent = b.advance(Duration::from_secs(8));
    let first = sent.iter().find(|s| s.payload.len() != 1448).expect("the segments shrink");
    assert_eq!(first.payload.len(), 1012);
}
