//! RFC 8985 section 6.2 step 5: what is suspected is looked at again when its time is over, though the head was found lost and sent
//! again meanwhile (Linux: `tcp_xmit_retransmit_queue` leaves ICSK_TIME_REO_TIMEOUT alone).

use super::*;

#[test]
fn the_suspect_is_repaired_without_another_acknowledgement() {
    let mut b = Bench::connected(SACK);
    // A path that reorders.
    b.send(&[1; 3000]);
    b.flush();
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 2001)]);
    b.peer(ACK, 1, 3001, &[]);
    assert_eq!(b.info().reord_seen, 1);
    // The first leaves 4 ms before the others.
    b.send(&[1; 1000]);
    assert_eq!(starts(&mut b), [3001]);
    b.now = b.now + ms(4);
    b.send(&[1; 2000]);
    b.flush();
    b.now = b.now + ms(10);
    b.sack(3001, &[(5001, 6001)]);
    assert_eq!(starts(&mut b), [3001], "14 ms are more than 10 and a quarter, 10 are not");
    let from = b.now;
    let sent = b.advance(ms(8));
    assert_eq!(at(&b, &sent).iter().map(|s| s.1).collect::<Vec<_>>(), [4001]);
    let waited = sent[0].at.since(from);
    assert!(waited >= ms(2) && waited < ms(4), "{waited:?}");
    assert_eq!(b.counters.tcp_rto, 0);
}
