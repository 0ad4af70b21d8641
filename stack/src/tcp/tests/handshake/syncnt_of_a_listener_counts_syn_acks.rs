//! TCP_SYNCNT on a listener: how often its SYN-ACKs are repeated (inet_csk_reqsk_queue_hash_add, icsk_syn_retries).

use super::*;

#[test]
fn syncnt_of_a_listener_counts_syn_acks() {
    for (count, at) in [(1, &[1u64][..]), (2, &[1, 3]), (7, &[1, 3, 7, 15, 31, 63, 127])] {
        let mut b = Bench::listening(50);
        b.options(|o| o.syncnt = count);
        b.client_syn(PLAIN);
        let start = b.now;
        let sent = b.advance(Duration::from_secs(300));
        assert_eq!(sent.iter().map(|s| s.at.since(start).as_secs()).collect::<Vec<_>>(), at);
        assert_eq!(b.tcp.requests.len(), 0);
    }
}
