//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn the_window_grows_with_a_fast_reader() {
    let mut b = Bench::connected(MODERN);
    let mut seq = 1u32;
    for _ in 0..400 {
        let mut left = b.info().rcv_wnd as usize;
        while left >= 1448 {
            let n = left.min(43_440);
            b.ts_peer += 1;
            let mut seg = b.segment(ACK, seq, 1, &vec![1; n]);
            seg.gso_size = 1448;
            b.rx(seg);
            seq = seq.wrapping_add(n as u32);
            left -= n;
        }
        b.flush();
        while b.recv(1 << 20).is_ok() {}
        b.advance(ms(10));
    }
    assert!(b.info().rcv_wnd > 4_000_000, "{}", b.info().rcv_wnd);
}
