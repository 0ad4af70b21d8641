//! net/ipv4/inet_connection_sock.c, syn_ack_recalc: a silent client is asked again when the time is nearly over, and its
//! answer then opens the connection.

use super::*;

#[test]
fn defer_accept_ends() {
    let mut b = Bench::listening(5);
    b.options(|o| o.defer_accept = 2);
    b.client_syn(PLAIN);
    b.client_ack();
    // One SYN-ACK was sent; the second of the two that cover the time is due after 1 s, and finds that it is not yet time.
    let sent = b.advance(ms(1100));
    assert!(sent.is_empty(), "{sent:?}");
    let sent = b.advance(ms(2100));
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].repr.flags, SYN | ACK);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
}
