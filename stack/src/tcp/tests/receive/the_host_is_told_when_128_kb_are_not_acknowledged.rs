//! A burst is answered once, but the host transmits before it reads on when 128 kB wait for their acknowledgement: at most so much apart
//! they keep the sender's window moving.

use super::*;

#[test]
fn the_host_is_told_when_128_kb_are_not_acknowledged() {
    let mut b = Bench::connected(MODERN);
    let frame = |b: &mut Bench, seq, len| {
        let mut seg = b.segment(ACK, seq, 1, &vec![0; len]);
        seg.gso_size = 1448;
        b.rx(seg);
    };
    frame(&mut b, 1, 60_000);
    b.flush();
    b.recv(60_000).unwrap();
    b.flush();
    frame(&mut b, 60_001, 65_000);
    assert!(!b.tcp.ack_overdue());
    frame(&mut b, 125_001, 66_100);
    assert!(b.tcp.ack_overdue());
    b.flush();
    assert!(!b.tcp.ack_overdue());
}
