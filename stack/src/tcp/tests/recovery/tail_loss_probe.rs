//! RFC 8985 section 7.2: two round trips after the last transmission the tail is repeated, so that its SACK shows the losses.

use super::*;

#[test]
fn the_last_segment_is_repeated_and_the_losses_are_repaired() {
    let mut b = all_sent(SACK);
    b.peer(ACK, 1, 7001, &[]);
    b.flush();
    let from = b.now;
    let sent = b.advance(ms(100));
    assert_eq!(at(&b, &sent).iter().map(|s| s.1).collect::<Vec<_>>(), [9001]);
    let waited = sent[0].at.since(from);
    assert!(waited >= ms(20) && waited <= ms(25), "{waited:?}");
    // Two were lost before it.
    b.sack(7001, &[(9001, 10_001)]);
    let mut again = starts(&mut b);
    b.now = b.now + ms(10);
    b.sack(8001, &[(9001, 10_001)]);
    again.extend(starts(&mut b));
    assert_eq!(again, [7001, 8001]);
    assert_eq!((b.counters.tcp_rto, b.counters.tcp_loss_probes), (0, 1));
}

#[test]
fn a_single_segment_waits_for_a_delayed_acknowledgement() {
    let mut b = Bench::connected(SACK);
    b.send(&[1; 500]);
    b.flush();
    let from = b.now;
    let sent = b.advance(ms(215));
    // 2 SRTT and 200 ms are more than the time-out of 210 ms: then that (section 7.2).
    assert_eq!(sent[0].at.since(from), ms(210));
    assert_eq!((b.counters.tcp_rto, b.counters.tcp_loss_probes), (0, 1));
}

#[test]
fn once_a_flight_then_the_timeout() {
    let mut b = all_sent(SACK);
    let sent = b.advance(ms(1000));
    assert_eq!(b.counters.tcp_loss_probes, 1);
    assert_eq!(sent[0].repr.seq.0, b.iss + 9001);
    assert_eq!(sent[1].repr.seq.0, b.iss + 1);
    assert!(b.counters.tcp_rto >= 1);
    // Counted from the probe.
    assert_eq!(sent[1].at.since(sent[0].at), ms(210));
}

#[test]
fn never_without_sack() {
    let mut b = all_sent(PLAIN);
    let sent = b.advance(ms(250));
    assert_eq!(sent.len(), 1);
    assert_eq!((b.counters.tcp_rto, b.counters.tcp_loss_probes), (1, 0));
}
