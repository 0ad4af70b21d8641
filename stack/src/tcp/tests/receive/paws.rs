//! RFC 7323 section 5: a segment with an old timestamp is answered and dropped.

use super::*;

#[test]
fn paws() {
    let mut b = Bench::connected(MODERN);
    b.ts_peer = 2000;
    b.peer(ACK, 1, 1, b"new");
    b.flush();
    b.ts_peer = 1500;
    b.peer(ACK, 4, 1, b"old");
    assert_eq!(b.counters.tcp_paws, 1);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 4);
    assert_eq!(b.recv(10).unwrap(), b"new");
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    // A RST is taken all the same, and after 24 days a timestamp proves nothing.
    b.advance(Duration::from_secs(25 * 24 * 3600));
    b.peer(ACK, 4, 1, b"late");
    assert_eq!(b.recv(10).unwrap(), b"late");
    b.ts_peer = 1;
    b.peer(RST | ACK, 8, 1, &[]);
    assert_eq!(b.state(), TcpState::Closed);
}
