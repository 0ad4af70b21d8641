//! RFC 5961 section 5.2: MAX.SND.WND is the largest window that the peer ever announced, as it counts after scaling.

use super::*;

#[test]
fn the_largest_window_counts_scaled() {
    let mut b = Bench::connected(MODERN);
    b.peer_window = 1000;
    let mut una = 1;
    while una < 140_001 {
        una += b.send(&vec![1; (140_001 - una).min(14_000) as usize]) as u32;
        b.flush();
        b.peer(ACK, 1, una, &[]);
    }
    // 1000 << 7; a smaller window later does not count.
    b.peer_window = 10;
    b.peer(ACK, 1, una, b"x");
    b.recv(1).unwrap();
    b.flush();
    b.advance(ms(600));
    b.peer(ACK, 2, una - 128_001, b"y");
    assert_eq!((b.counters.tcp_ack_too_old, b.recv(10)), (1, Err(Error::WouldBlock)));
    b.peer(ACK, 2, una - 128_000, b"y");
    assert_eq!((b.counters.tcp_ack_too_old, b.recv(10)), (1, Ok(b"y".to_vec())));
}
