//! A peer that sends a byte at a time, each in a frame of its own, pins at most about twice what he sent.

use super::*;

#[test]
fn tiny_segments_in_order_take_little() {
    let mut b = Bench::connected(PLAIN);
    let frame = vec![7; 1500];
    for i in 0..50_000u32 {
        let mut seg = b.segment(ACK, 1 + i, 1, &frame);
        seg.payload.truncate(1);
        b.rx(seg);
        if i % 50 == 0 {
            b.flush();
        }
        assert!(memory(&b) <= 2 * (i as usize + 1) + (16 << 10) + 2048, "{} for {i}", memory(&b));
    }
    assert_eq!(b.recv(60_000).unwrap().len(), 50_000);
    assert_eq!(memory(&b), 0);
}
