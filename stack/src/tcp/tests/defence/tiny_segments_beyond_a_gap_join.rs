//! A byte at a time beyond a gap: neighbours join, so the memory is that of the data.

use super::*;

#[test]
fn tiny_segments_beyond_a_gap_join() {
    let mut b = Bench::connected(SACK);
    for i in 0..20_000u32 {
        let mut seg = b.segment(ACK, 2 + i, 1, &[7; 1500]);
        seg.payload.truncate(1);
        b.rx(seg);
        b.flush();
        assert!(memory(&b) < 2 * i as usize + 4096, "{} for {i}", memory(&b));
    }
    b.peer(ACK, 1, 1, b"x");
    assert_eq!(b.recv(60_000).unwrap().len(), 20_001);
    assert_eq!((memory(&b), b.counters.tcp_pruned), (0, 0));
}
