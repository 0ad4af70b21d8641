//! Linux's `tcp_sndbuf_expand`: room for twice the congestion window, between 128 kB and 4 MB for a near peer.

use super::*;

#[test]
fn the_send_buffer_grows_with_the_window() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_415);
    assert_eq!(b.tcp.send_space(b.id), Ok(128 << 10));
    b.peer_window = u16::MAX;
    let mut next = 1u32;
    let mut most = 0;
    for _ in 0..12 {
        let cwnd = b.info().cwnd as usize;
        while b.tcp.send(b.now, b.id, &[0; 1 << 20], false).is_ok() {}
        let held = b.tcp.send_queued(b.id);
        assert!(held >= (2 * cwnd).clamp(128 << 10, 4 << 20) && held <= 4 << 20, "{held} for {cwnd}");
        most = most.max(held);
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + ms(3);
        b.peer(ACK, 1, next, &[]);
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + ms(3);
        b.peer(ACK, 1, next, &[]);
    }
    assert_eq!(most, 4 << 20);
    b.options(|o| o.sndbuf = Some(10_000));
    next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
    b.peer(ACK, 1, next, &[]);
    assert!(b.tcp.send_space(b.id).unwrap() <= 10_000, "SO_SNDBUF ends it");
}
