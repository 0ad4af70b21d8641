//! While the memory of all connections is full, one with something to send takes nothing more, and poll(2) says so: else a program
//! that waits for room would find it at once, again and again, and get nothing. (sk_stream_wait_memory sleeps for this.)

use super::*;

#[test]
fn who_has_something_queued_waits_for_an_acknowledgement() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.memory.set_limit(12_000);
    b.events();
    assert_eq!(b.send(&[1; 20_000]), 20_000);
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::WouldBlock));
    assert_eq!(b.ready(), Readiness::NONE);
    b.flush();
    b.peer(ACK, 1, 5001, &[]);
    b.flush();
    assert_eq!((b.ready(), b.events()), (Readiness::NONE, vec![]));
    b.peer(ACK, 1, 10_001, &[]);
    let id = b.id;
    assert_eq!((b.ready(), b.events()), (Readiness::OUT, vec![(id, Readiness::OUT)]));
    assert_eq!(b.send(b"x"), 1);
}

#[test]
fn who_has_nothing_queued_may_send_a_little() {
    let mut b = Bench::connected(PLAIN);
    let first = b.id;
    b.id = b.tcp.open();
    b.remote = 81;
    b.connect();
    b.syn_ack(PLAIN);
    b.flush();
    b.tcp.memory.set_limit(12_000);
    assert_eq!(b.tcp.send(b.now, first, &[1; 20_000], false), Ok(20_000));
    b.flush();
    assert_eq!(b.send(&[1; 1000]), 1000);
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::WouldBlock));
    assert_eq!(b.ready(), Readiness::NONE);
    assert_eq!(b.sent().len(), 1);
    b.events();
    b.peer(ACK, 1, 1001, &[]);
    let id = b.id;
    assert_eq!((b.ready(), b.events()), (Readiness::OUT, vec![(id, Readiness::OUT)]));
    assert_eq!(b.send(&[1; 10_000]), 4096);
}
