//! RFC 6298 section 5.

use super::*;

#[test]
fn the_timer_backs_off_and_starts_anew() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    let start = b.now;
    let sent = b.advance(Duration::from_secs(4));
    let at: Vec<_> = sent.iter().map(|s| s.at.since(start).as_millis()).collect();
    assert!(sent.iter().all(|s| s.payload == b"hello" && s.repr.seq.0 == b.iss + 1));
    // RTO is 10 + 200 ms.
    assert_eq!(at, [210, 630, 1470, 3150]);
    b.peer(ACK, 1, 6, &[]);
    assert_eq!(b.info().retransmits, 0);
    // Section 5.7, Karn: without a measurement, the back-off stays for the next segment.
    b.send(b"again");
    b.flush();
    let start = b.now;
    let sent = b.advance(Duration::from_secs(4));
    assert_eq!(sent[0].at.since(start), ms(210 * 16));
    b.peer(ACK, 1, 11, &[]);
    b.send(b"measured");
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 19, &[]);
    b.send(b"anew");
    b.flush();
    let start = b.now;
    let sent = b.advance(ms(250));
    assert_eq!(sent[0].at.since(start), ms(210));
}
