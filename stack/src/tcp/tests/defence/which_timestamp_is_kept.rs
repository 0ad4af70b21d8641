//! RFC 7323 section 4.3: TS.Recent is taken from a segment that begins at or before Last.ACK.sent, so that a delayed acknowledgement
//! echoes the first segment that it covers, a gap's segments do not count, and old data does not lead back.

use super::*;

fn echoed(b: &mut Bench) -> u32 {
    b.advance(ms(500)).last().unwrap().repr.options.timestamps.unwrap().1
}

#[test]
fn the_first_of_those_acknowledged_together() {
    let mut b = Bench::connected(MODERN);
    let mut seq = 1;
    // Until acknowledgements are delayed.
    for _ in 0..30 {
        b.ts_peer += 1;
        b.peer(ACK, seq, 1, &[1; 1448]);
        seq += 1448;
        b.flush();
    }
    b.advance(ms(500));
    b.ts_peer = 5000;
    b.peer(ACK, seq, 1, &[1; 10]);
    b.ts_peer = 5001;
    b.peer(ACK, seq + 10, 1, &[1; 10]);
    assert_eq!(echoed(&mut b), 5000);
}

#[test]
fn none_from_beyond_a_gap() {
    let mut b = Bench::connected(MODERN);
    b.ts_peer = 2000;
    b.peer(ACK, 1, 1, b"abc");
    b.flush();
    b.ts_peer = 2010;
    b.peer(ACK, 10, 1, b"later");
    assert_eq!(echoed(&mut b), 2000);
    b.ts_peer = 2020;
    b.peer(ACK, 4, 1, b"fill it");
    assert_eq!(echoed(&mut b), 2020);
}

/// RFC 7323 section 5.2: what a RST says changes nothing.
#[test]
fn none_from_a_reset() {
    let mut b = Bench::connected(MODERN);
    b.ts_peer = 9000;
    b.peer(RST, 50, 0, &[]);
    let challenge = b.flush().remove(0);
    assert_eq!(challenge.repr.options.timestamps.unwrap().1, 1000);
}

/// RFC 7323 section 5.3: what was queued with an older timestamp is delivered all the same when the gap is filled.
#[test]
fn a_queued_segment_is_not_checked_again() {
    let mut b = Bench::connected(MODERN);
    b.ts_peer = 2000;
    b.peer(ACK, 4, 1, b"def");
    b.ts_peer = 3000;
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.recv(10).unwrap(), b"abcdef");
    assert_eq!(echoed_now(&mut b), 3000);
}

fn echoed_now(b: &mut Bench) -> u32 {
    b.flush().last().unwrap().repr.options.timestamps.unwrap().1
}
