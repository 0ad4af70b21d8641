//! A peer that offers a window of a few bytes gets them at the pace of the probe timer, not a packet for each (RFC 9293 section
//! 3.8.6.2.1), and no record is kept for each byte.

use super::*;

#[test]
fn tiny_windows_cost_few_packets() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 1;
    b.peer(ACK, 1, 1, &[]);
    b.send(&[1; 50_000]);
    let mut packets = 0;
    let mut next = 1;
    for _ in 0..100 {
        for s in b.advance(ms(100)) {
            packets += 1;
            assert!(s.payload.len() <= 1);
            next = next.max(s.repr.seq.0.wrapping_sub(b.iss) + s.payload.len() as u32);
            b.peer(ACK, 1, next, &[]);
        }
    }
    // 10 s.
    assert!((5..=60).contains(&packets), "{packets}");
    // With an honest window it goes on.
    b.peer_window = 60_000;
    b.peer(ACK, 1, next, &[]);
    assert!(b.flush().len() >= 2);
}
