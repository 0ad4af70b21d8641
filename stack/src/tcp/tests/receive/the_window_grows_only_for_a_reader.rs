//! Receive auto-tuning (Linux: `tcp_rcv_space_adjust`) looks at what the user has read, not at what arrived; SO_RCVBUF ends it
//! (socket(7)); and what has grown does not shrink.

use super::*;

/// The peer fills the window once a round trip of 20 ms; the user reads what `read` says. Answers the largest window.
fn most(rcvbuf: Option<usize>, read: impl Fn(usize) -> usize) -> u32 {
    let mut b = Bench::connected_with(MODERN, |b| b.options(|o| o.rcvbuf = rcvbuf));
    let mut seq = 1u32;
    let mut most = 0;
    for _ in 0..60 {
        let mut left = b.info().rcv_wnd as usize;
        while left >= 1448 {
            let n = left.min(43_440);
            let mut seg = b.segment(ACK, seq, 1, &vec![1; n]);
            seg.gso_size = 1448;
            b.rx(seg);
            seq = seq.wrapping_add(n as u32);
            left -= n;
        }
        let waiting = b.tcp.recv_queued(b.id);
        if read(waiting) > 0 {
            b.recv(read(waiting)).unwrap();
        }
        b.flush();
        b.advance(ms(20));
        b.ts_peer += 20;
        let now = b.info().rcv_wnd;
        most = most.max(now);
    }
    most
}

#[test]
fn a_reader_gets_more() {
    assert!(most(None, |n| n) > 4 << 20);
}

#[test]
fn one_who_does_not_read_gets_none() {
    assert!(most(None, |_| 0) <= 256 << 10);
}

#[test]
fn so_rcvbuf_ends_it() {
    assert!(most(Some(300_000), |n| n) <= 300_000);
}
