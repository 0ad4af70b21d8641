//! RFC 9293 section 3.10.7.3: a RST in SYN-SENT with an acceptable ACK refuses; the socket may connect again (connect(2)
//! on Linux).

use super::*;

#[test]
fn a_refused_connection_may_be_tried_again() {
    let mut b = Bench::new();
    b.connect();
    b.peer(RST | ACK, 0, 1, &[]);
    assert_eq!(b.state(), TcpState::Closed);
    let want = Readiness::ERR | Readiness::HUP | Readiness::IN | Readiness::OUT | Readiness::RDHUP;
    assert_eq!(b.ready(), want);
    let id = b.id;
    assert_eq!(b.events(), vec![(id, want)]);
    let again = b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500);
    assert_eq!(again, Err(Error::ConnectionRefused));
    b.connect();
    b.syn_ack(PLAIN);
    assert_eq!(b.state(), TcpState::Established);
}
