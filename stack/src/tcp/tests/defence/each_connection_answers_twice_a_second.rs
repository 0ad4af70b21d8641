//! Linux's tcp_invalid_ratelimit: an ACK in answer to what is not acceptable, or a challenge, at most every 500 ms on a connection, so
//! that two confused ends do not answer each other for ever. Data is answered each time: its sender waits.

use super::*;

#[test]
fn empty_segments() {
    let mut b = Bench::connected(PLAIN);
    let mut answers = Vec::new();
    for _ in 0..200 {
        b.peer(ACK, 1_000_000, 1, &[]);
        answers.extend(b.flush().into_iter().map(|s| s.at));
        b.advance(ms(10));
    }
    assert_eq!(answers.len(), 4);
    assert!(answers.windows(2).all(|w| w[1].since(w[0]) == ms(500)));
    assert!(b.counters.tcp_challenge_limited >= 190);
}

#[test]
fn data() {
    let mut b = Bench::connected(PLAIN);
    for _ in 0..10 {
        b.peer(ACK, 1_000_000, 1, b"far away");
        assert_eq!(b.flush().len(), 1);
    }
}
