//! IP_RECVERR (tcp(7)): told at once, the connection goes on.

use super::*;

#[test]
fn icmp_is_told_at_once_to_whom_asked() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.recverr = true);
    b.send(b"hello");
    b.flush();
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss + 1);
    let remote = b.peer_addr();
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::HostUnreachable, &mut b.counters);
    assert!(b.tcp.readiness(b.id).contains(crate::types::Readiness::ERR));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::HostUnreachable));
    assert_eq!(b.state(), TcpState::Established);
    b.peer(ACK, 1, 6, &[]);
    b.send(b"more");
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 4)]);
}
