//! TCP_FASTOPEN_CONNECT (tcp(7)): connect returns at once when the peer's cookie is known, and the SYN takes the first write along.

use super::*;

#[test]
fn a_deferred_connect_waits_for_the_first_write() {
    let mut b = client();
    b.options(|o| o.fast_open_connect = true);
    assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Ok(()));
    b.silent();
    assert_eq!((b.state(), b.tcp.is_deferred(b.id)), (TcpState::SynSent, true));
    assert_eq!(b.ready(), Readiness::OUT);
    assert_eq!(b.tcp.peer_addr(b.id), None);
    assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Err(Error::IsConnected));
    assert_eq!(b.tcp.poll_timeout(), None);
    assert_eq!(b.send(b"hello"), 5);
    let syn = syn(&mut b);
    assert_eq!((&syn.payload[..], syn.repr.options.fast_open), (&b"hello"[..], FastOpen::new(&[7; 8])));
    assert_eq!(b.ready(), Readiness::NONE);
    assert_eq!(b.tcp.send(b.now, b.id, b"more", false), Err(Error::WouldBlock));
    syn_ack(&mut b, 5, None);
    b.flush();
    assert_eq!(b.send(b"more"), 4);
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 4)]);
}

#[test]
fn without_a_cookie_connect_begins_and_asks() {
    let mut b = Bench::new();
    b.options(|o| o.fast_open_connect = true);
    assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Err(Error::InProgress));
    assert_eq!(syn(&mut b).repr.options.fast_open, Some(FastOpen::REQUEST));
    assert!(!b.tcp.is_deferred(b.id));
}

#[test]
fn a_deferred_connect_may_be_given_up() {
    let mut b = client();
    b.options(|o| o.fast_open_connect = true);
    b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500).unwrap();
    b.tcp.close(b.now, b.id);
    b.silent();
    assert_eq!(b.tcp.socks.len(), 0);
}
