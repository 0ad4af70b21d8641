//! RFC 2018 section 8: the peer drops what it had SACKed. The acknowledgement stops before it: half a round trip or 10 ms
//! later everything is sent again (Linux: tcp_check_sack_reneging).

use super::*;

#[test]
fn everything_is_sent_again_after_a_short_wait() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 10_001)]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 1001, &[]);
    b.flush();
    assert_eq!(b.counters.tcp_sack_reneging, 1);
    let from = b.now;
    let sent = b.advance(ms(12));
    assert_eq!(sent[0].repr.seq.0, b.iss + 1001);
    assert_eq!(sent[0].at.since(from), ms(10));
    assert_eq!(b.info().sacked, 0);
}

#[test]
fn an_acknowledgement_in_pieces_is_none() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 10_001)]);
    b.flush();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 1001, &[]);
    b.flush();
    b.now = b.now + ms(1);
    b.peer(ACK, 1, 10_001, &[]);
    let sent = b.advance(ms(15));
    assert!(sent.iter().all(|s| s.repr.seq.0.wrapping_sub(b.iss) > 10_000));
    assert_eq!(b.counters.tcp_rto, 0);
}
