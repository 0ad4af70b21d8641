//! RFC 9293 section 3.8.3, R2; tcp(7) tcp_retries2: fifteen retransmissions, some 15 minutes, are the end.

use super::*;

#[test]
fn fifteen_retransmissions_are_the_end() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    let start = b.now;
    b.advance(Duration::from_secs(920));
    assert_eq!(b.state(), TcpState::Established);
    b.advance(Duration::from_secs(200));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
    assert_eq!(b.counters.tcp_timeouts, 1);
    let _ = start;
}
