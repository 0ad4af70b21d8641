//! RFC 9293 section 3.6, figure 12, from the side that closes last.

use super::*;

#[test]
fn the_peer_closes_first() {
    let mut b = Bench::connected(PLAIN);
    b.events();
    let id = b.id;
    b.peer(ACK | FIN, 1, 1, &[]);
    assert_eq!(b.events(), vec![(id, Readiness::IN | Readiness::RDHUP)]);
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.ready(), Readiness::IN | Readiness::OUT | Readiness::RDHUP);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 2);
    b.send(b"rest");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 4)]);
    b.peer(ACK, 2, 6, &[]);
    assert_eq!((b.tcp.socks.len(), b.tcp.timewaits.len()), (0, 0));
    b.silent();
}
