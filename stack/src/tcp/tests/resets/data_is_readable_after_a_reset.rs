//! tcp_reset: what came before a RST can be read, then the error is told.

use super::*;

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
