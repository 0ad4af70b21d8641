//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

#[test]
fn the_right_edge_never_moves_left() {
    let mut b = Bench::connected_with(MODERN, |b| b.options(|o| o.rcvbuf = Some(100_000)));
    let mut seq = 1;
    let mut edge = 0;
    let mut lcg = 12345u32;
    for _ in 0..2000 {
        lcg = lcg.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = 1 + lcg as usize % 1448;
        let room = b.info().rcv_wnd as usize;
        if n <= room {
            b.peer(ACK, seq, 1, &vec![0; n]);
            seq += n as u32;
        }
        if lcg & 0x30_0000 == 0 {
            let _ = b.recv(lcg as usize % 60_000);
        }
        for s in b.advance(ms(1)) {
            let e = s.repr.ack.0 - b.irs + window(&s, b.info().rcv_wscale);
            assert!(e >= edge, "{e} < {edge}");
            edge = e;
        }
    }
    assert_eq!(b.counters.tcp_beyond_window, 0);
}
