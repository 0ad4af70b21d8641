//! Linux's __tcp_retransmit_skb: what the peer's window no longer covers is not sent again, but for the head, which probes it.

use super::*;

#[test]
fn beyond_the_window_only_the_head() {
    let mut b = all_sent(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 2001, &[]);
    b.flush();
    let sent = b.advance(ms(1500));
    assert!(!sent.is_empty());
    assert!(sent.iter().all(|s| s.repr.seq.0 == b.iss + 2001), "{sent:?}");
}

#[test]
fn within_it_what_fits() {
    let mut b = all_sent(SACK);
    b.peer_window = 3000;
    b.sack(1, &[(6001, 10_001)]);
    b.flush();
    b.now = b.now + ms(10);
    b.sack(1, &[(6001, 10_001)]);
    let mut sent = starts(&mut b);
    sent.extend(b.advance(ms(100)).iter().map(|s| s.repr.seq.0.wrapping_sub(b.iss)));
    assert!(sent.iter().all(|s| *s < 3001), "{sent:?}");
}
