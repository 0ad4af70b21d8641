//! listen(2), sk_acceptq_is_full: with more than the backlog waiting, SYNs and final ACKs are dropped; the client gets in
//! later.

use super::*;

#[test]
fn a_full_backlog_drops_and_recovers() {
    let mut b = Bench::listening(1);
    for port in 0..2 {
        b.remote = 40_000 + port;
        b.client_syn(PLAIN);
        b.client_ack();
    }
    // Two wait: the queue is full. A third SYN is ignored.
    b.remote = 40_002;
    b.peer(SYN, 0, 0, &[]);
    b.silent();
    assert_eq!(b.counters.tcp_backlog_full, 1);
    assert!(b.tcp.accept(b.id).is_ok());
    b.client_syn(PLAIN);
    // Meanwhile another fills the queue; the final ACK is dropped, and so is the data that follows.
    let third = (b.remote, b.iss);
    b.remote = 40_003;
    b.client_syn(PLAIN);
    b.client_ack();
    (b.remote, b.iss) = third;
    b.client_ack();
    b.peer(ACK | PSH, 1, 1, b"data");
    b.silent();
    assert!(b.tcp.accept(b.id).is_ok() && b.tcp.accept(b.id).is_ok());
    // The client repeats its data, and is in.
    b.peer(ACK | PSH, 1, 1, b"data");
    let (child, remote) = b.tcp.accept(b.id).unwrap();
    assert_eq!(remote.port(), 40_002);
    b.id = child;
    assert_eq!(b.recv(10).unwrap(), b"data");
}
