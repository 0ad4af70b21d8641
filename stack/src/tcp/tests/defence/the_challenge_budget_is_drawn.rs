//! RFC 5961 section 7 limits challenge ACKs over all connections. With a fixed number a second a stranger could count what others
//! used up (CVE-2016-5696), so it is drawn anew each second, from 500 to 1500 (Linux: `tcp_send_challenge_ack`).

use super::*;

#[test]
fn the_challenge_budget_is_drawn() {
    let mut b = Bench::listening(4096);
    let listener = b.id;
    let ids: Vec<_> = (0..1600u16)
        .map(|i| {
            b.remote = 10_000 + i;
            b.id = listener;
            b.client_syn(PLAIN);
            b.client_ack();
            b.tcp.accept(listener).unwrap().0
        })
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        b.advance(Duration::from_secs(2));
        b.now = Instant::from_micros(b.now.micros() / 1_000_000 * 1_000_000 + 10);
        let before = b.counters.tcp_challenge_acks;
        for i in 0..ids.len() {
            b.remote = 10_000 + i as u16;
            b.peer(RST, 7, 0, &[]);
        }
        let answered = b.flush().len() as u64;
        assert_eq!(answered, b.counters.tcp_challenge_acks - before);
        assert!((500..1500).contains(&answered), "{answered}");
        seen.insert(answered);
    }
    assert!(seen.len() >= 15, "{seen:?}");
    assert!(seen.last().unwrap() - seen.first().unwrap() > 300, "{seen:?}");
}
