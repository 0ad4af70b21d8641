//! RFC 7413 section 4.2.2: with a valid cookie the data of the SYN is delivered at once, and the SYN-ACK acknowledges it.

use super::*;

#[test]
fn data_in_the_syn_is_delivered_before_the_handshake_ends() {
    let mut b = server(5);
    let cookie = cookie_of(&mut b);
    let answer = syn_with(&mut b, Some(cookie), b"GET /");
    assert_eq!(answer.repr.ack.0, b.irs + 6);
    assert_eq!(answer.repr.options.fast_open, None);
    let (listener, child) = (b.id, accept(&mut b));
    b.id = child;
    assert_eq!(b.state(), TcpState::SynReceived);
    assert_eq!(b.ready(), Readiness::IN | Readiness::OUT);
    assert_eq!(b.recv(100).unwrap(), b"GET /");
    assert_eq!(b.recv(100), Err(Error::WouldBlock));
    b.silent();
    assert!(b.info().syn_data && b.counters.tcp_fastopen_passive == 1);
    b.peer(ACK, 6, 1, &[]);
    assert_eq!(b.state(), TcpState::Established);
    b.peer(ACK | PSH, 6, 1, b"more");
    assert_eq!(b.recv(100).unwrap(), b"more");
    b.flush();
    // A SYN with the cookie and no data makes a connection as well.
    (b.id, b.remote) = (listener, b.remote + 1);
    assert_eq!(syn_with(&mut b, Some(cookie), b"").repr.ack.0, b.irs + 1);
    accept(&mut b);
}

#[test]
fn the_listener_becomes_readable_with_the_syn() {
    let mut b = server(5);
    let cookie = cookie_of(&mut b);
    b.events();
    syn_with(&mut b, Some(cookie), b"x");
    let id = b.id;
    assert_eq!(b.events(), vec![(id, Readiness::IN)]);
}
