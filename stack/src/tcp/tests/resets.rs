//! RFC 5961, RFC 9293 section 3.10.7: what may end a connection, and what only makes us ask.

use super::*;

#[test]
fn an_unknown_connection_is_reset() {
    let mut b = Bench::new();
    b.local = 1234;
    b.peer(ACK, 5, 77, b"x");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, 77));
    b.peer(SYN | PSH, 5, 77, b"x");
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST | ACK, 0));
    assert_eq!(sent[0].repr.ack.0, b.irs + 5 + 2);
    b.peer(RST, 5, 77, b"");
    b.silent();
}

/// RFC 5961 section 3.2.
#[test]
fn a_reset_must_match_exactly() {
    let mut b = Bench::connected(PLAIN);
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.state(), TcpState::Established);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 1));
    b.peer(RST, 70_000, 0, &[]);
    b.silent();
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.recv(10), Err(Error::ConnectionReset));
    assert_eq!(b.recv(10), Ok(vec![]));
}

/// RFC 5961 section 4.2.
#[test]
fn a_syn_in_a_connection_is_challenged() {
    let mut b = Bench::connected(PLAIN);
    b.peer(SYN, 1, 0, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (ACK, b.iss + 1));
    assert_eq!(b.state(), TcpState::Established);
}

/// RFC 5961 section 7.
#[test]
fn challenges_are_rate_limited() {
    let mut b = Bench::connected(PLAIN);
    let mut answered = 0;
    for _ in 0..100 {
        b.peer(SYN, 1, 0, &[]);
        answered += b.flush().len();
        b.advance(ms(10));
    }
    assert_eq!(answered, 2);
}

/// RFC 5961 section 5.2.
#[test]
fn acknowledgements_far_behind_or_ahead_drop_the_segment() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 0u32.wrapping_sub(100_000), b"evil");
    assert_eq!(b.flush()[0].repr.flags, ACK);
    b.advance(ms(600));
    b.peer(ACK, 1, 50, b"evil");
    assert_eq!(b.flush()[0].repr.flags, ACK);
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    b.peer(ACK, 1, 0, b"good");
    assert_eq!(b.recv(10).unwrap(), b"good");
}

#[test]
fn data_is_readable_after_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"last words");
    b.peer(RST | ACK, 11, 1, &[]);
    assert!(b.ready().contains(Readiness::IN | Readiness::ERR | Readiness::HUP));
    assert_eq!(b.recv(100).unwrap(), b"last words");
    assert_eq!(b.recv(100), Err(Error::ConnectionReset));
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::BrokenPipe));
}

#[test]
fn a_reset_after_the_peers_fin_is_a_broken_pipe() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 1, 1, &[]);
    b.send(b"too late");
    b.flush();
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::BrokenPipe));
    assert_eq!(b.tcp.take_error(b.id), None);
}

#[test]
fn segments_outside_the_window_are_answered() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1_000_000, 1, b"far");
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 1);
    assert_eq!(b.counters.tcp_out_of_window, 1);
}

#[test]
fn abort_resets_and_forgets() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"data");
    b.flush();
    b.tcp.abort(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 5, 0)]);
    assert_eq!(b.tcp.socks.len(), 0);
    assert!(!b.tcp.pending_output());
    assert_eq!(b.tcp.poll_timeout(), None);
}

#[test]
fn abort_all_resets_everything() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.abort_all(b.now);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::ConnectionAborted));
}

#[test]
fn the_device_may_vanish() {
    let mut b = Bench::connected(PLAIN);
    let fresh = b.tcp.open();
    b.tcp.device_gone();
    for id in [b.id, fresh] {
        assert!(b.tcp.readiness(id).contains(Readiness::ERR | Readiness::HUP));
        assert_eq!(b.tcp.take_error(id), Some(Error::NetDown));
    }
    assert_eq!(b.events().len(), 2);
    assert_eq!(b.tcp.poll_timeout(), None);
}
