//! TCP_USER_TIMEOUT (RFC 9293 section 3.9.1, tcp(7)): an attempt to connect lasts no longer.

use super::*;

#[test]
fn user_timeout_bounds_the_handshake() {
    for (timeout, repeated) in [(2500, 2), (3000, 2), (30_000, 8)] {
        let mut b = Bench::new();
        b.options(|o| o.user_timeout = ms(timeout));
        b.connect();
        let sent = b.advance(ms(timeout - 1));
        assert_eq!((sent.len(), b.state()), (repeated, TcpState::SynSent), "{timeout}");
        b.advance(ms(2));
        assert_eq!((b.state(), b.tcp.take_error(b.id)), (TcpState::Closed, Some(Error::TimedOut)));
    }
    // The first SYN is repeated at any rate (retransmits_timed_out).
    let mut b = Bench::new();
    b.options(|o| o.user_timeout = ms(300));
    b.connect();
    assert_eq!(b.advance(ms(1000)).len(), 1);
    b.advance(ms(2));
    assert_eq!(b.state(), TcpState::Closed);
}
