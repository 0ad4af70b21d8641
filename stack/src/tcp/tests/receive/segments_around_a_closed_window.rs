//! RFC 9293 section 3.10.7.4, first: with a window of zero only an empty segment at RCV.NXT is acceptable, but ACK, RST and URG
//! are processed all the same (MUST-66); what is not acceptable is answered with an ACK.

use super::*;

/// The window is closed; answers the next sequence number.
fn closed() -> (Bench, u32) {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(4000)));
    let mut seq = 1;
    while b.info().rcv_wnd > 0 {
        let n = b.info().rcv_wnd.min(1000);
        b.peer(ACK, seq, 1, &vec![1; n as usize]);
        seq += n;
        b.advance(ms(50));
    }
    (b, seq)
}

#[test]
fn a_probe_is_answered_each_time() {
    let (mut b, seq) = closed();
    for _ in 0..5 {
        b.peer(ACK, seq, 1, b"x");
        let sent = b.flush();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].repr.ack.0, sent[0].repr.window), (b.irs + seq, 0));
        b.advance(ms(300));
    }
    // Linux's probe has no data and lies before the window.
    b.peer(ACK, seq - 1, 1, &[]);
    assert_eq!(b.flush().len(), 1);
}

#[test]
fn an_empty_segment_at_the_edge_is_acceptable() {
    let (mut b, seq) = closed();
    b.send(b"hello");
    b.flush();
    b.peer(ACK, seq, 6, &[]);
    assert_eq!(b.tcp.send_queued(b.id), 0);
    assert_eq!(b.counters.tcp_out_of_window, 0);
    b.silent();
}

#[test]
fn a_reset_at_the_edge_counts() {
    let (mut b, seq) = closed();
    b.peer(RST, seq, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}

#[test]
fn a_fin_at_the_edge_counts() {
    let (mut b, seq) = closed();
    b.peer(ACK | FIN, seq, 1, &[]);
    assert_eq!(b.state(), TcpState::CloseWait);
}

#[test]
fn reading_opens_it() {
    let (mut b, seq) = closed();
    b.recv(4000).unwrap();
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].repr.window >= 2000);
    b.peer(ACK, seq, 1, b"x");
    assert_eq!(b.recv(10).unwrap(), b"x");
}
