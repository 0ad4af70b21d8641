//! How long an acknowledgement waits for data to go along: 40 ms, and longer when that was too short before, but at most the round
//! trip (Linux: `tcp_event_data_recv`, `tcp_send_delayed_ack`, `tcp_delack_timer_handler`). RFC 9293 MUST-58 allows 500 ms.

use super::*;

/// Waits for the acknowledgement of `n` single segments, each long after the one before; answers how long each took.
fn delays(rtt: Duration, n: usize) -> Vec<u128> {
    let mut b = Bench::new();
    b.connect();
    b.advance(rtt);
    b.syn_ack(MODERN);
    b.flush();
    let mut seq = 1;
    for _ in 0..20 {
        b.peer(ACK, seq, 1, &[7; 1448]);
        b.flush();
        seq += 1448;
    }
    b.advance(rtt + ms(100));
    let mut waited = Vec::new();
    for _ in 0..n {
        let at = b.now;
        b.peer(ACK, seq, 1, &[7; 100]);
        seq += 100;
        let sent = b.advance(rtt + ms(100));
        waited.push(sent[0].at.since(at).as_millis());
    }
    waited
}

#[test]
fn a_near_peer_waits_40_ms_at_most() {
    assert_eq!(delays(ms(10), 6), [40; 6]);
}

#[test]
fn a_far_one_up_to_the_round_trip() {
    let all = delays(ms(150), 6);
    assert!(all.iter().all(|d| *d <= 160), "{all:?}");
    assert!(all.contains(&40) && all.iter().any(|d| *d > 80), "{all:?}");
}

#[test]
fn tcp_info_tells() {
    let mut b = Bench::connected(PLAIN);
    assert_eq!(b.info().ato, Duration::ZERO);
    b.peer(ACK, 1, 1, b"x");
    assert_eq!(b.info().ato, ms(40));
}
