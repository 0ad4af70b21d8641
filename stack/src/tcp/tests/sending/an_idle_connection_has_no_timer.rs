//! With nothing in flight and nothing to acknowledge no timer runs.

use super::*;

#[test]
fn an_idle_connection_has_no_timer() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"ping");
    b.flush();
    assert!(b.tcp.poll_timeout().is_some());
    b.peer(ACK | PSH, 1, 5, b"pong");
    b.recv(10).unwrap();
    b.advance(ms(50));
    assert_eq!(b.tcp.poll_timeout(), None);
}
