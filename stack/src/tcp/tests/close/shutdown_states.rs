//! shutdown(2): what each direction shut means for poll, recv and send.

use super::*;

#[test]
fn shutdown_states() {
    let mut b = Bench::new();
    let fresh = b.tcp.open();
    assert_eq!(b.tcp.readiness(fresh), Readiness::OUT | Readiness::HUP);
    assert_eq!(b.tcp.shutdown(b.now, fresh, Shutdown::Write), Err(Error::NotConnected));
    let mut c = Bench::connected(PLAIN);
    shut(&mut c, Shutdown::Read);
    assert_eq!(c.ready(), Readiness::IN | Readiness::OUT | Readiness::RDHUP);
    assert_eq!(c.recv(10).unwrap(), b"");
    // Linux takes data after SHUT_RD all the same.
    c.peer(ACK, 1, 1, b"data");
    assert_eq!(c.recv(10).unwrap(), b"data");
    shut(&mut c, Shutdown::Write);
    assert!(c.ready().contains(Readiness::HUP | Readiness::OUT | Readiness::IN));
    assert_eq!(c.tcp.send(c.now, c.id, b"x", false), Err(Error::BrokenPipe));
}
