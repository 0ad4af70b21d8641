//! Linux's `__tcp_ecn_check_ce` and `tcp_ecn_accept_cwr`: a mark and CWR are acknowledged at once, since the sender's window may be
//! a single segment.

use super::*;

/// A connection whose acknowledgements are delayed.
fn delaying() -> (Bench, u32) {
    let mut b = connected(PLAIN);
    let mut seq = 1;
    // The user answers each message: acknowledgements wait for the answer.
    for n in 0..20 {
        data(&mut b, PSH, seq, 100, ECT0);
        seq += 100;
        let _ = b.recv(1000);
        b.send(b"x");
        b.flush();
        b.peer(ACK, seq, 2 + n, &[]);
    }
    data(&mut b, Flags::NONE, seq, 100, ECT0);
    b.silent();
    b.advance(ms(100));
    data(&mut b, PSH, seq + 100, 100, ECT0);
    let _ = b.recv(1000);
    b.send(b"x");
    b.flush();
    b.peer(ACK, seq + 200, 22, &[]);
    (b, seq + 200)
}

#[test]
fn a_mark_is_acknowledged_at_once() {
    let (mut b, seq) = delaying();
    data(&mut b, Flags::NONE, seq, 100, CE);
    assert_eq!(marks(&mut b), [(ACK | ECE, 0, 0)]);
}

#[test]
fn so_is_cwr() {
    let (mut b, seq) = delaying();
    data(&mut b, CWR, seq, 100, ECT0);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
}

#[test]
fn and_an_unmarked_segment_among_marked_ones() {
    // It was sent again, so something was lost.
    let (mut b, seq) = delaying();
    data(&mut b, Flags::NONE, seq, 100, 0);
    assert_eq!(marks(&mut b), [(ACK, 0, 0)]);
}
