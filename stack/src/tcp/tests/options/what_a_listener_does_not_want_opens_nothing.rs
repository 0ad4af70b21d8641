//! net/ipv4/tcp_ipv4.c, tcp_v4_rcv: the listener's filter sees what completes a handshake too; RFC 5082 section 3.

use super::*;

#[test]
fn what_a_listener_does_not_want_opens_nothing() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.options(|o| o.min_ttl = 255);
    b.client_ack();
    b.silent();
    assert_eq!((b.tcp.accept(b.id), b.tcp.requests.len()), (Err(Error::WouldBlock), 1));
    b.peer(RST, 1, 1, &[]);
    assert_eq!((b.tcp.requests.len(), b.counters.tcp_min_ttl), (1, 2));
}
