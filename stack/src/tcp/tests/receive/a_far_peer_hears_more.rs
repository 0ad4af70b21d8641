//! RFC 5681 section 4.2: an acknowledgement for every second full segment at least, and one at once for each that is out of order or fills
//! a gap. We feed in all that waits first, and answer once; but a peer farther than 5 ms, whose segments come one by one, hears of every
//! second or fourth, of each at the beginning, and of the first three beyond a gap.

use super::*;

/// A connection over such a round trip, after the quick acknowledgements of its beginning; the next number.
fn far(rtt: Duration, gso: bool) -> (Bench, u32) {
    let mut b = Bench::new();
    b.connect();
    b.advance(rtt);
    b.syn_ack(MODERN);
    b.flush();
    let mut seq = 1;
    for _ in 0..20 {
        take(&mut b, &mut seq, gso);
        while b.recv(1 << 20).is_ok() {}
        b.flush();
    }
    b.advance(ms(50));
    b.flush();
    (b, seq)
}

fn take(b: &mut Bench, seq: &mut u32, gso: bool) {
    let size = if gso { 14_480 } else { 1448 };
    let mut seg = b.segment(ACK, *seq, 1, &vec![1; size]);
    seg.gso_size = if gso { 1448 } else { 0 };
    b.rx(seg);
    *seq += size as u32;
}

/// After how many frames the host is told to transmit, at most 100; `gso`: of ten segments.
fn overdue_after((mut b, mut seq): (Bench, u32), gso: bool) -> u32 {
    for n in 1..=100 {
        take(&mut b, &mut seq, gso);
        if b.tcp.ack_overdue() {
            return n;
        }
    }
    100
}

#[test]
fn of_every_second_segment_while_it_sends_little() {
    assert_eq!(overdue_after(far(ms(20), false), false), 2);
    assert_eq!(overdue_after(far(ms(2), false), false), (128u32 << 10).div_ceil(1448));
    assert_eq!(overdue_after(far(ms(20), true), true), (128u32 << 10).div_ceil(14_480));
}

#[test]
fn of_every_fourth_when_it_sends_much() {
    let (mut b, mut seq) = far(ms(20), false);
    for _ in 0..5 {
        for _ in 0..70 {
            take(&mut b, &mut seq, false);
        }
        while b.recv(1 << 20).is_ok() {}
        b.flush();
        b.advance(ms(20));
    }
    assert_eq!(overdue_after((b, seq), false), 4);
}

#[test]
fn of_each_at_the_beginning() {
    let mut b = Bench::new();
    b.connect();
    b.advance(ms(20));
    b.syn_ack(MODERN);
    b.flush();
    assert_eq!(overdue_after((b, 1), false), 1);
}

#[test]
fn of_the_first_three_beyond_a_gap_of_what_fills_it_and_of_duplicates() {
    let (mut b, start) = far(ms(20), false);
    let mut seq = start + 1448;
    for n in 1..=10 {
        take(&mut b, &mut seq, false);
        assert_eq!(b.tcp.ack_overdue(), n <= 3, "{n}");
        if n <= 3 {
            assert_eq!(b.flush().len(), 1);
        }
    }
    assert_eq!(b.flush().len(), 1);
    let mut first = start;
    take(&mut b, &mut first, false);
    assert!(b.tcp.ack_overdue(), "the gap is filled");
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + seq);
    take(&mut b, &mut first, false);
    assert!(b.tcp.ack_overdue(), "a duplicate");
    assert_eq!(b.flush().len(), 1);
}

#[test]
fn of_each_new_gap() {
    let (mut b, start) = far(ms(20), false);
    let (mut seq, mut told) = (start, Vec::new());
    for _ in 0..6 {
        seq += 1448;
        for n in 0..8 {
            take(&mut b, &mut seq, false);
            if b.tcp.ack_overdue() {
                assert!(n == 0 || told.len() < 3, "{n}");
                told.extend(b.flush());
            } else {
                assert!(n > 0);
            }
        }
    }
    told.extend(b.flush());
    // Each whole block is in two acknowledgements at least, but for the last.
    for block in 0..5u32 {
        let from = start + 1448 + block * 9 * 1448;
        let whole = (b.irs + from, b.irs + from + 8 * 1448);
        let times = told
            .iter()
            .filter(|a| a.repr.options.sack_blocks.iter().any(|(s, e)| (s.0, e.0) == whole))
            .count();
        assert!(times >= 2, "block {block}: {times}");
    }
}
