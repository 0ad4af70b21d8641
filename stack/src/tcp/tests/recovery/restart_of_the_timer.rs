//! RFC 6298 section 5: the timer runs while data is outstanding, starts anew when some is acknowledged, ends with the last; other
//! timers do not put it off (Linux: tcp_rearm_rto).

use super::*;

#[test]
fn anew_with_each_acknowledgement_and_never_after_the_last() {
    let mut b = in_flight(PLAIN);
    b.now = b.now + ms(150);
    b.peer(ACK, 1, 2001, &[]);
    b.flush();
    let from = b.now;
    let sent = b.advance(ms(600));
    assert!(sent[0].at.since(from) >= ms(200));
    let mut b = all_sent(PLAIN);
    b.peer(ACK, 1, 10_001, &[]);
    assert!(b.advance(ms(5000)).is_empty());
}

#[test]
fn a_deadline_exists_while_data_is_unacknowledged() {
    let mut b = in_flight(SACK);
    let mut state = 1u32;
    for _ in 0..400 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = state >> 8;
        let una = b.info().bytes_acked as u32 + 1;
        let end = una + b.info().bytes_in_flight;
        match n % 5 {
            0 => b.sack(una, &[(una + 1000, end.min(una + 1000 + n % 4000))]),
            1 if end > una => b.peer(ACK, 1, una + (n >> 3) % (end - una + 1), &[]),
            2 => drop(b.advance(ms(u64::from(n % 300)))),
            3 => b.peer(ACK, 1, una, &[]),
            _ => drop(b.tcp.send(b.now, b.id, &[1; 3000], false)),
        }
        b.flush();
        if b.info().bytes_in_flight > 0 {
            assert!(b.tcp.poll_timeout().is_some());
        }
    }
}
