//! RFC 3168 section 6.1.2: a mark within a recovery reduces no further, and a reduction for a mark is not undone.

use super::*;

pub(super) fn connected() -> Bench {
    let mut b = Bench::new();
    b.options(|o| o.ecn = EcnMode::On);
    b.connect();
    b.advance(ms(10));
    b.timestamps = false;
    let mut seg = b.segment(SYN | ACK | Flags::ECE, 0, 1, &[]);
    seg.repr.options.mss = Some(1000);
    seg.repr.options.sack_permitted = true;
    b.rx(seg);
    b.flush();
    b.send(&[1; 30_000]);
    assert_eq!(b.flush().len(), 10);
    b.now = b.now + ms(10);
    b
}

#[test]
fn once_a_window() {
    let mut b = connected();
    b.sack(1, &[(1001, 5001)]);
    let ssthresh = b.info().ssthresh;
    assert_eq!(b.info().recovery, 3);
    b.peer(ACK | Flags::ECE, 1, 2001, &[]);
    b.flush();
    assert_eq!(b.info().ssthresh, ssthresh);
}

#[test]
fn a_mark_is_not_undone() {
    let mut b = connected();
    let before = b.info().cwnd;
    b.peer(ACK | Flags::ECE, 1, 1001, &[]);
    b.flush();
    assert_eq!(b.info().recovery, 2);
    // A hole that was none, with the D-SACK to prove it.
    b.now = b.now + ms(1);
    b.sack(1001, &[(2001, 7001)]);
    b.flush();
    b.now = b.now + ms(10);
    let end = 1 + b.info().bytes_acked as u32 + b.info().bytes_in_flight;
    b.sack(end, &[(1001, 2001)]);
    b.flush();
    assert!(b.info().ssthresh <= before / 2 + 1000 && b.info().cwnd < before, "{:?}", b.info());
}
