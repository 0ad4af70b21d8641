//! RFC 9293 section 3.10.7.4, fifth, and RFC 5961 section 5: a segment without ACK is dropped in a synchronized state, so that its data
//! cannot pass the check of the ACK field.

use super::*;

#[test]
fn without_ack_nothing_is_taken() {
    let mut b = Bench::connected(PLAIN);
    b.peer(PSH, 1, 1, b"evil");
    b.peer(FIN, 1, 1, b"evil");
    b.peer(Flags::default(), 1, 1, b"evil");
    b.silent();
    assert_eq!((b.state(), b.recv(10)), (TcpState::Established, Err(Error::WouldBlock)));
    b.peer(ACK, 1, 1, b"good");
    assert_eq!(b.recv(10).unwrap(), b"good");
}
