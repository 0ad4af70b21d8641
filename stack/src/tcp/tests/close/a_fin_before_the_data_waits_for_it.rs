//! RFC 9293 section 3.10.7.4: a FIN counts when everything before it is here.

use super::*;

#[test]
fn a_fin_before_the_data_waits_for_it() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 4, 1, b"def");
    assert_eq!(b.state(), TcpState::Established);
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.recv(100).unwrap(), b"abcdef");
    assert_eq!(b.recv(100).unwrap(), b"");
    assert_eq!(b.flush().last().unwrap().repr.ack.0, b.irs + 8);
}
