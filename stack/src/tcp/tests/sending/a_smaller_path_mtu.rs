//! RFC 1191: what was too large is sent again in smaller pieces, at once.

use super::*;

#[test]
fn a_smaller_path_mtu() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::connected(MODERN);
    b.send(&[1; 5000]);
    b.flush();
    b.below.mtu = 1000;
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss + 1);
    let remote = b.peer_addr();
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::PathMtu(1000), &mut b.counters);
    let sent = b.sent();
    assert!(sent.iter().all(|s| s.2 <= 948));
    assert_eq!(sent[0].1, 1);
    let mut acked = 1 + sent.iter().map(|s| s.2 as u32).sum::<u32>();
    // The last of the four had 656 bytes: it got through.
    while acked < 1 + 3 * 1448 {
        b.peer(ACK, 1, acked, &[]);
        let n: usize = b.sent().iter().map(|s| s.2).sum();
        assert!(n > 0, "{acked}");
        acked += n as u32;
    }
    b.peer(ACK, 1, 5001, &[]);
    assert_eq!(b.tcp.send_queued(b.id), 0);
}
