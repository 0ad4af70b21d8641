//! RFC 8985 section 6.2 step 4: a D-SACK on a path that reorders widens the reordering window, a step a round trip.

use super::*;

/// A round in which the head is overtaken; how long after that the stack takes it for lost, in milliseconds.
fn round(b: &mut Bench) -> u64 {
    b.send(&[1; 3000]);
    b.flush();
    b.now = b.now + ms(40);
    let start = b.info().bytes_acked as u32 + 1;
    b.sack(start, &[(start + 1000, start + 2000)]);
    b.flush();
    let from = b.now;
    let sent = b.advance(ms(75));
    let lost = sent.iter().find(|s| s.repr.seq.0 == b.iss.wrapping_add(start)).unwrap().at;
    // Both arrive.
    b.now = b.now + ms(40);
    let end = start + b.info().bytes_in_flight;
    b.sack(end, &[(start, start + 1000)]);
    b.flush();
    b.now = b.now + ms(1);
    lost.since(from).as_millis() as u64
}

/// A path with a round trip of 40 ms that reorders; the handshake took 10 ms.
fn reordering() -> Bench {
    let mut b = Bench::connected(SACK);
    for n in 0..20 {
        b.send(&[1; 5000]);
        b.flush();
        b.now = b.now + ms(40);
        b.sack(5000 * n + 1, &[(5000 * n + 1001, 5000 * n + 2001)]);
        b.peer(ACK, 1, 5000 * n + 5001, &[]);
        b.flush();
    }
    assert!(b.info().reord_seen > 0);
    b
}

#[test]
fn each_round_with_a_duplicate_waits_longer() {
    let mut b = reordering();
    let waits: Vec<_> = (0..3).map(|_| round(&mut b)).collect();
    // A quarter of the least round trip (2.5 ms), then two, three.
    assert_eq!(waits, [2, 5, 7]);
}

#[test]
fn it_is_bounded_by_srtt() {
    let mut b = reordering();
    let waits: Vec<_> = (0..24).map(|_| round(&mut b)).collect();
    let srtt = b.info().srtt.as_millis() as u64;
    assert!(waits[23] >= 30 && waits.iter().all(|w| *w <= srtt.max(41)), "{waits:?} {srtt}");
}
