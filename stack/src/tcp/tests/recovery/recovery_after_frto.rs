//! RFC 8985 section 6.3: the reordering timer finds losses while F-RTO sends new data (RFC 5682 step 2.b): what is lost is sent again
//! then (Linux: tcp_rack_reo_timeout).

use super::*;

#[test]
fn what_the_timer_finds_lost_is_sent_again() {
    let mut b = in_flight(SACK);
    // The path reorders.
    b.sack(1, &[(1001, 2001)]);
    b.peer(ACK, 1, 10_001, &[]);
    while b.info().bytes_acked < 30_000 {
        b.flush();
        b.now = b.now + ms(10);
        let all = 1 + b.info().bytes_acked as u32 + b.info().bytes_in_flight;
        b.peer(ACK, 1, all, &[]);
    }
    assert!(b.info().reord_seen > 0);
    b.send(&[2; 1000]);
    b.flush();
    // The probe, and nothing for long; then two segments more a moment before the time-out.
    while b.counters.tcp_loss_probes == 0 {
        b.now = b.tcp.poll_timeout().unwrap();
        b.tcp.on_timeout(b.now, &mut b.counters);
        b.flush();
    }
    let at = b.tcp.poll_timeout().unwrap();
    b.now = Instant::from_micros(at.micros() - 500);
    b.send(&[3; 2000]);
    assert_eq!(starts(&mut b), [31_001, 32_001]);
    while b.counters.tcp_rto == 0 {
        b.now = b.tcp.poll_timeout().unwrap();
        b.tcp.on_timeout(b.now, &mut b.counters);
    }
    assert_eq!(starts(&mut b), [30_001]);
    b.send(&[4; 20_000]);
    b.silent();
    b.now = b.now + ms(10);
    b.peer(ACK, 1, 31_001, &[]);
    let new = starts(&mut b);
    assert!(!new.is_empty() && new.iter().all(|s| *s > 33_000), "{new:?}");
    assert_eq!(b.info().recovery, 4);
    let sent = b.advance(ms(5));
    assert_eq!(b.info().recovery, 3);
    assert_eq!(at_first(&b, &sent), Some(31_001));
}

fn at_first(b: &Bench, sent: &[Sent]) -> Option<u32> {
    sent.first().map(|s| s.repr.seq.0.wrapping_sub(b.iss))
}
