//! RFC 9293 section 3.9.1.1, MUST-41 and MUST-45: a listener and the connections of its port live beside each other, and each
//! connection keeps the addresses that it began with.

use super::*;

#[test]
fn a_listener_does_not_disturb_connections_of_its_port() {
    let mut b = Bench::listening(5);
    b.options(|o| o.reuseaddr = true);
    b.client_syn(PLAIN);
    b.client_ack();
    let listener = b.id;
    let (child, _) = b.tcp.accept(listener).unwrap();
    // The listener ends, and another takes the port.
    b.tcp.close(b.now, listener);
    b.id = child;
    let second = b.tcp.open();
    let mut options = b.tcp.options(second).unwrap().clone();
    options.reuseaddr = true;
    b.tcp.set_options(b.now, second, options).unwrap();
    b.tcp.bind(second, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8000)).unwrap();
    b.tcp.listen(second, 5).unwrap();
    b.peer(ACK | PSH, 1, 1, b"hello");
    assert_eq!(b.recv(10).unwrap(), b"hello");
    b.flush();
    b.send(b"answer");
    let sent = b.flush().pop().unwrap();
    assert_eq!((sent.src, sent.repr.src_port, sent.dst, sent.repr.dst_port), (US, 8000, PEER, 40_000));
    assert_eq!(b.tcp.accept(second).map(drop), Err(Error::WouldBlock));
}
