//! RFC 9293 section 3.10.7.4: so does a FIN without data.

use super::*;

#[test]
fn a_bare_fin_beyond_a_gap() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 4, 1, b"");
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.flush().last().unwrap().repr.ack.0, b.irs + 5);
}
