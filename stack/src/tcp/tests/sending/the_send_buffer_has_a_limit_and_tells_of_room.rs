//! socket(7) SO_SNDBUF: the send buffer has a limit, and a third of it must be free before writability is told (sk_stream_write_space).

use super::*;

#[test]
fn the_send_buffer_has_a_limit_and_tells_of_room() {
    let mut b = Bench::connected(PLAIN);
    b.events();
    let id = b.id;
    b.options(|o| o.sndbuf = Some(9000));
    assert_eq!(b.send(&[1; 20_000]), 9000);
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::WouldBlock));
    assert_eq!(b.ready(), Readiness::NONE);
    b.flush();
    b.peer(ACK, 1, 2001, &[]);
    // 2000 of 9000 are free: not a third of the buffer.
    assert_eq!(b.events(), vec![]);
    b.peer(ACK, 1, 3001, &[]);
    assert_eq!(b.events(), vec![(id, Readiness::OUT)]);
    assert_eq!(b.ready(), Readiness::OUT);
    b.peer(ACK, 1, 5001, &[]);
    assert_eq!(b.events(), vec![]);
    assert_eq!((b.tcp.send_queued(id), b.tcp.send_notsent(id)), (4000, 0));
}
