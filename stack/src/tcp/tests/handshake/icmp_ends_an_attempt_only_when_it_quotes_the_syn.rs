//! RFC 5927 section 4.1: an ICMP error about a SYN has to quote its sequence number.

use super::*;

#[test]
fn icmp_ends_an_attempt_only_when_it_quotes_the_syn() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::new();
    b.connect();
    let local = SocketAddrV4::new(US, b.local);
    let remote = b.peer_addr();
    let hit = |b: &mut Bench, seq: u32| {
        b.tcp.on_icmp_error(b.now, local, remote, SeqNumber(seq), IcmpError::HostUnreachable, &mut b.counters)
    };
    let iss = b.iss;
    hit(&mut b, iss.wrapping_add(1));
    assert_eq!(b.state(), TcpState::SynSent);
    hit(&mut b, iss);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::HostUnreachable));
}
