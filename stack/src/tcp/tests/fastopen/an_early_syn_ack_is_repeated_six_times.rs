//! tcp_fastopen_synack_timer: the SYN-ACK of an early child is repeated once more than that of a request, then the child ends.

use super::*;

#[test]
fn an_early_syn_ack_is_repeated_six_times() {
    let mut b = server(1);
    let cookie = cookie_of(&mut b);
    syn_with(&mut b, Some(cookie), b"data");
    b.id = accept(&mut b);
    let start = b.now;
    let sent = b.advance(Duration::from_secs(126));
    let at: Vec<u64> = sent.iter().map(|s| s.at.since(start).as_secs()).collect();
    assert_eq!(at, [1, 3, 7, 15, 31, 63]);
    assert!(sent.iter().all(|s| s.repr.flags == SYN | ACK && s.repr.ack.0 == b.irs + 5));
    b.advance(Duration::from_secs(2));
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.recv(10).unwrap(), b"data");
    assert_eq!(b.recv(10), Err(Error::TimedOut));
}

#[test]
fn a_repeated_syn_is_answered_by_the_syn_ack() {
    let mut b = server(1);
    let cookie = cookie_of(&mut b);
    let first = syn_with(&mut b, Some(cookie), b"data");
    b.advance(ms(600));
    // The client repeats its SYN without data or option.
    let again = syn_with(&mut b, None, b"");
    assert_eq!((again.repr.seq, again.repr.ack), (first.repr.seq, first.repr.ack));
}
