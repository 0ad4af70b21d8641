//! A frame for the device to cut holds whole segments; only the last of the stream may be short.

use super::*;

#[test]
fn frames_are_whole_segments() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_000);
    b.send(&[1; 100_000]);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].payload.len(), sent[0].gso), (14_480, Some(1448)));
    b.peer(ACK, 1, 14_481, &[]);
    let sent = b.flush();
    assert_eq!(sent[0].payload.len(), 28_960);
    b.peer(ACK, 1, 43_441, &[]);
    let sent = b.flush();
    // What is left, the last segment short.
    assert_eq!(sent.iter().map(|s| s.payload.len()).sum::<usize>(), 100_000 - 43_440);
    assert!(sent[0].payload.len() == 100_000 - 43_440 || sent[0].payload.len().is_multiple_of(1448));
}
