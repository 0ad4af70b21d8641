//! Linux's `tcp_sndbuf_expand`, with room for a long path: four times the congestion window up to 32 MB when the round trip is 5 ms or
//! more; twice, up to 4 MB (tcp_wmem[2]), when it is not.

use super::*;

fn most(rtt: Duration) -> usize {
    let mut b = Bench::connected_with(Peer { wscale: Some(14), ..MODERN }, |b| b.below.tso = 65_415);
    let mut next = 1u32;
    for _ in 0..40 {
        while b.tcp.send(b.now, b.id, &[0; 1 << 20], false).is_ok() {}
        next = next.wrapping_add(b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32);
        b.now = b.now + rtt;
        b.peer(ACK, 1, next, &[]);
    }
    while b.tcp.send(b.now, b.id, &[0; 1 << 20], false).is_ok() {}
    b.tcp.send_queued(b.id)
}

#[test]
fn near_and_far() {
    assert_eq!(most(ms(3)), 4 << 20);
    assert_eq!(most(ms(50)), 32 << 20);
}
