//! RFC 6069, as Linux's tcp_ld_RTO_revert: an unreachable destination takes a doubling back.

use super::*;
use crate::iface::icmp::IcmpError;

fn unreachable(b: &mut Bench, seq: u32) {
    let local = SocketAddrV4::new(US, b.local);
    let remote = b.peer_addr();
    let seq = SeqNumber(b.iss.wrapping_add(seq));
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::HostUnreachable, &mut b.counters);
}

/// When the next retransmission comes, after two without an answer (at 210 and 630 ms).
fn next(icmp_for: Option<u32>) -> u64 {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 2000]);
    b.flush();
    let start = b.now;
    assert_eq!(b.advance(ms(640)).len(), 2);
    if let Some(seq) = icmp_for {
        unreachable(&mut b, seq);
    }
    let sent = b.advance(ms(2000));
    sent[0].at.since(start).as_millis() as u64
}

#[test]
fn the_next_retransmission_comes_earlier() {
    assert_eq!(next(None), 210 + 420 + 840);
    assert_eq!(next(Some(1)), 210 + 420 + 420);
}

#[test]
fn but_not_for_another_segment() {
    assert_eq!(next(Some(1001)), 210 + 420 + 840);
}
