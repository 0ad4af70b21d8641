//! RFC 6298 section 5, tcp_synack_retries: a SYN-ACK is repeated at intervals that double, then given up.

use super::*;

#[test]
fn syn_ack_is_repeated_five_times() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    let start = b.now;
    let sent = b.advance(Duration::from_secs(100));
    let at: Vec<u64> = sent.iter().map(|s| s.at.since(start).as_secs()).collect();
    assert_eq!(at, [1, 3, 7, 15, 31]);
    assert!(sent.iter().all(|s| s.repr.flags == SYN | ACK && s.repr.seq.0 == b.iss));
    assert_eq!(b.tcp.requests.len(), 0);
    assert_eq!(b.tcp.poll_timeout(), None);
}
