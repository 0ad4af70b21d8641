//! RFC 9293 section 3.5.2, SHLD-2: a reset may carry bytes that say why; they are not the stream's.

use super::*;

#[test]
fn a_reset_with_data_is_a_reset() {
    let mut b = Bench::connected(PLAIN);
    b.peer(RST, 1, 1, b"why");
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.recv(10), Err(Error::ConnectionReset));
    b.silent();
}
