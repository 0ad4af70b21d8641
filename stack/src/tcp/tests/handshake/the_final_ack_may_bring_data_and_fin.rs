//! RFC 9293 section 3.10.7.4: what comes with the ACK of the handshake is processed like any segment.

use super::*;

#[test]
fn the_final_ack_may_bring_data_and_fin() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.peer(ACK | PSH | FIN, 1, 1, b"GET /");
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.ready(), Readiness::IN | Readiness::OUT | Readiness::RDHUP);
    assert_eq!(b.recv(100).unwrap(), b"GET /");
    assert_eq!(b.recv(100).unwrap(), b"");
}
