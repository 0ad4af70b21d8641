//! Data that waits for its departure with nothing in flight is no reason to probe the peer's window.

use super::*;

#[test]
fn the_deadline_is_the_departure() {
    let mut b = Bench::connected_with(SACK, |b| b.options(|o| o.max_pacing_rate = 1000));
    b.send(&[1; 12_000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 10_001, &[]);
    // A segment leaves, the next waits half a second, longer than the time-out; meanwhile the first is acknowledged.
    b.send(&[1; 4000]);
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 11_001, &[]);
    assert_eq!(b.info().bytes_in_flight, 0);
    b.flush();
    let begun = b.now;
    let sent = b.advance(ms(3000));
    assert!(!sent.is_empty() && sent.iter().all(|s| s.payload.len() == 1000), "{sent:?}");
    assert_eq!(b.info().probes, 0);
    let waited = sent[0].at.since(begun);
    assert!(ms(480) < waited && waited < ms(500), "{waited:?}");
}
