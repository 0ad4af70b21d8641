//! tcp_reset: in CLOSE-WAIT the error is EPIPE.

use super::*;

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
