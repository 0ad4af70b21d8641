//! RFC 9293 section 3.9.2.2: an ICMP error does not end an open connection, but names the reason when it times out.

use super::*;

#[test]
fn icmp_explains_a_timeout() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss + 1);
    let remote = b.peer_addr();
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::HostUnreachable, &mut b.counters);
    assert_eq!(b.state(), TcpState::Established);
    b.advance(Duration::from_secs(2000));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::HostUnreachable));
}
