//! RFC 5961 section 3.2: a RST has to have the very next sequence number; within the window it is challenged.

use super::*;

#[test]
fn a_reset_must_match_exactly() {
    let mut b = Bench::connected(PLAIN);
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.state(), TcpState::Established);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 1));
    b.peer(RST, 70_000, 0, &[]);
    b.silent();
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.recv(10), Err(Error::ConnectionReset));
    assert_eq!(b.recv(10), Ok(vec![]));
}
