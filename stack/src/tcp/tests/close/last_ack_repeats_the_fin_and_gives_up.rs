//! RFC 9293 section 3.10.8: in LAST-ACK the FIN is repeated until it is acknowledged, or patience ends (tcp_orphan_retries).

use super::*;

#[test]
fn last_ack_repeats_the_fin_and_gives_up() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK | FIN, 1, 1, &[]);
    b.flush();
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | FIN, 1, 0)]);
    let sent = b.advance(Duration::from_secs(20));
    assert!(sent.len() >= 5 && sent.iter().all(|s| s.repr.flags == ACK | FIN && s.repr.seq.0 == b.iss + 1));
    assert_eq!(b.tcp.socks.len(), 1);
    b.advance(Duration::from_secs(210));
    assert_eq!((b.tcp.socks.len(), b.tcp.orphans, b.tcp.poll_timeout()), (0, 0, None));
}
