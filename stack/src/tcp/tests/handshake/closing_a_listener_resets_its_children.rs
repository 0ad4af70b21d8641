//! inet_csk_listen_stop: connections that nobody accepts are reset with their listener.

use super::*;

#[test]
fn closing_a_listener_resets_its_children() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.client_ack();
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    assert_eq!(b.tcp.socks.len(), 0);
    b.peer(SYN, 0, 0, &[]);
    assert_eq!(b.flush()[0].repr.flags, RST | ACK);
}
