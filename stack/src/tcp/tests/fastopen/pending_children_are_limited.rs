//! RFC 7413 section 5.1: so many children whose handshake is not over, and no more (TCP_FASTOPEN); the rest goes the ordinary way.

use super::*;

#[test]
fn pending_children_are_limited() {
    let mut b = server(3);
    let cookie = cookie_of(&mut b);
    for n in 0..5 {
        b.remote += 1;
        let answer = syn_with(&mut b, Some(cookie), b"data");
        assert_eq!(answer.repr.ack.0 - b.irs, if n < 3 { 5 } else { 1 }, "{n}");
        assert_eq!(answer.repr.options.fast_open, None);
    }
    assert_eq!(b.counters.tcp_fastopen_overflow, 2);
    // Accepting does not make room, the end of a handshake does.
    for _ in 0..3 {
        accept(&mut b);
    }
    b.remote += 1;
    assert_eq!(syn_with(&mut b, Some(cookie), b"data").repr.ack.0, b.irs + 1);
    b.remote -= 4;
    let iss = b.iss;
    let child = b.tcp.connections().into_iter().find(|c| c.2 == Some(b.peer_addr())).unwrap().0;
    let segment = b.tcp.socks.get(child.index).and_then(|s| match &s.body {
        crate::tcp::socket::Body::Conn(c) => Some(c.iss.0),
        _ => None,
    });
    b.iss = segment.unwrap();
    b.peer(ACK, 5, 1, &[]);
    b.iss = iss;
    b.remote += 5;
    assert_eq!(syn_with(&mut b, Some(cookie), b"data").repr.ack.0, b.irs + 5);
}
