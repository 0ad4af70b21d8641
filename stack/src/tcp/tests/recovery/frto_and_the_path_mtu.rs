//! RFC 1191 section 6.5 after a time-out: what was too big is sent again at once, also while F-RTO waits, and nothing of an
//! earlier time-out is undone by it (Linux: tcp_non_congestion_loss_retransmit).

use super::*;
use crate::iface::icmp::IcmpError;

fn too_big(b: &mut Bench, seq: u32, mtu: u16) {
    let seq = SeqNumber(b.iss.wrapping_add(seq));
    let local = SocketAddrV4::new(US, b.local);
    b.below.mtu = mtu;
    b.tcp.on_icmp_error(b.now, local, b.peer_addr(), seq, IcmpError::PathMtu(mtu), &mut b.counters);
}

#[test]
fn it_is_sent_again_at_once() {
    let mut b = in_flight(PLAIN);
    b.advance(ms(300));
    b.peer(ACK, 1, 1001, &[]);
    let new = starts(&mut b);
    assert!(!new.is_empty() && new.iter().all(|s| *s > 10_000), "{new:?}");
    too_big(&mut b, 1001, 600);
    let again = starts(&mut b);
    assert!(again.first() == Some(&1001), "{again:?}");
}

#[test]
fn the_window_does_not_become_that_of_an_earlier_loss() {
    let mut b = in_flight(SACK);
    // A time-out that F-RTO finds spurious.
    b.advance(ms(500));
    let end = |b: &Bench| 1 + b.info().bytes_acked as u32 + b.info().bytes_in_flight;
    let all = end(&b);
    b.peer(ACK, 1, all, &[]);
    b.flush();
    assert_eq!(b.counters.tcp_spurious_rtos, 1);
    // A loss.
    b.now = b.now + ms(10);
    let una = b.info().bytes_acked as u32 + 1;
    b.sack(una, &[(una + 1000, una + 5000)]);
    b.flush();
    b.now = b.now + ms(10);
    let all = end(&b);
    b.peer(ACK, 1, all, &[]);
    b.send(&[3; 20_000]);
    b.flush();
    let info = b.info();
    assert_eq!(info.recovery, 0);
    b.now = b.now + ms(10);
    let una = info.bytes_acked as u32 + 1;
    too_big(&mut b, una, 600);
    b.peer(ACK, 1, una + 1000, &[]);
    b.flush();
    let after = b.info();
    assert!(after.cwnd <= info.cwnd + 1000, "{} {}", info.cwnd, after.cwnd);
}
