//! RFC 9293 section 3.8.6.1: the probe backs off, and never gives up on a peer that answers.

use super::*;

#[test]
fn zero_window_probes() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    b.silent();
    let start = b.now;
    let mut at = Vec::new();
    for _ in 0..8 {
        let due = b.tcp.poll_timeout().unwrap();
        let sent = b.advance(due.since(b.now));
        let sent = if sent.is_empty() { b.advance(ms(1)) } else { sent };
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].repr.seq.0, sent[0].payload.len()), (b.iss, 0));
        at.push(sent[0].at.since(start).as_millis());
        b.peer(ACK, 1, 1, &[]);
    }
    let gaps: Vec<_> = at.windows(2).map(|w| w[1] - w[0]).collect();
    assert!((200..=230).contains(&at[0]), "{at:?}");
    assert!(gaps.windows(2).all(|g| g[1] == g[0] * 2), "{gaps:?}");
    b.peer_window = 5000;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 7)]);
}
