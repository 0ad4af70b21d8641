//! sk_acceptq_is_full: a cookie is no way around the backlog: SYNs and ACKs that exceed it are dropped.

use super::*;

#[test]
fn the_accept_queue_still_counts() {
    let mut b = flooded();
    let mut cookies = Vec::new();
    for port in 0..5 {
        b.remote = 40_000 + port;
        b.client_syn(PLAIN);
        cookies.push((b.remote, b.iss));
    }
    for (port, iss) in &cookies {
        (b.remote, b.iss) = (*port, *iss);
        b.client_ack();
        b.silent();
    }
    // A backlog of 3 holds four.
    for _ in 0..4 {
        b.tcp.accept(b.id).unwrap();
    }
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    // The fifth sends again, and is in.
    b.peer(ACK | PSH, 1, 1, b"data");
    assert!(b.tcp.accept(b.id).is_ok());
}
