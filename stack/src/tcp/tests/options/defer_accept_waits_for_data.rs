//! tcp(7) TCP_DEFER_ACCEPT: "Allow a listener to be awakened only when data arrives on the socket."

use super::*;

#[test]
fn defer_accept_waits_for_data() {
    let mut b = Bench::listening(5);
    b.options(|o| o.defer_accept = 3);
    b.client_syn(PLAIN);
    b.client_ack();
    assert_eq!(b.ready(), Readiness::NONE);
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    b.peer(ACK | PSH, 1, 1, b"GET");
    assert_eq!(b.ready(), Readiness::IN);
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    assert_eq!(b.recv(10).unwrap(), b"GET");
}
