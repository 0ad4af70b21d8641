//! RFC 7323 section 5.3, PAWS: a segment whose TSval is older than TS.Recent is answered and dropped, be it in the window or not;
//! a RST is exempt; a SYN is challenged; after 24 days TS.Recent proves nothing (section 5.5).

use super::*;

/// TS.Recent is 2000, and 3 bytes were taken.
fn recent() -> Bench {
    let mut b = Bench::connected(MODERN);
    b.ts_peer = 2000;
    b.peer(ACK, 1, 1, b"new");
    b.flush();
    b.recv(10).unwrap();
    b.flush();
    b
}

#[test]
fn data_is_answered_and_dropped() {
    for val in [1999, 0, 2000u32.wrapping_sub(1 << 31) + 1] {
        let mut b = recent();
        b.ts_peer = val;
        b.peer(ACK, 4, 1, b"old");
        let sent = b.flush();
        assert_eq!((sent.len(), sent[0].repr.ack.0, b.counters.tcp_paws), (1, b.irs + 4, 1), "{val}");
        assert_eq!(sent[0].repr.options.timestamps.unwrap().1, 2000);
        assert_eq!(b.recv(10), Err(Error::WouldBlock));
    }
}

#[test]
fn the_same_and_newer_ones_are_taken_also_around_the_end_of_the_circle() {
    for val in [2000, 2001, 2000 + (1 << 31) - 1] {
        let mut b = recent();
        b.ts_peer = val;
        b.peer(ACK, 4, 1, b"now");
        assert_eq!(b.recv(10).unwrap(), b"now", "{val}");
    }
}

#[test]
fn a_reset_is_exempt() {
    let mut b = recent();
    b.ts_peer = 1;
    b.peer(RST, 4, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}

#[test]
fn a_syn_is_challenged() {
    let mut b = recent();
    b.ts_peer = 1;
    b.peer(SYN, 4, 0, &[]);
    assert_eq!((b.flush().len(), b.counters.tcp_challenge_acks, b.counters.tcp_paws), (1, 1, 1));
}

#[test]
fn it_ends_after_24_days() {
    for (days, taken) in [(23, false), (25, true)] {
        let mut b = recent();
        b.advance(Duration::from_secs(days * 24 * 3600));
        b.ts_peer = 1;
        b.peer(ACK, 4, 1, b"late");
        assert_eq!(b.recv(10).is_ok(), taken);
    }
}

/// Linux's `tcp_disordered_ack`: a duplicate ACK that the network reordered brings SACK news and does no harm.
#[test]
fn a_duplicate_ack_a_little_too_late_is_used() {
    let mut b = recent();
    b.send(&[1; 5000]);
    b.flush();
    b.ts_peer = 1990;
    let mut seg = b.segment(ACK, 4, 1, &[]);
    seg.repr.options.sack_blocks = [(SeqNumber(b.iss + 1449), SeqNumber(b.iss + 2897))].into_iter().collect();
    b.rx(seg);
    assert_eq!((b.counters.tcp_paws, b.info().sacked), (0, 1448));
}
