//! ACK division (Savage 1999; RFC 3465 section 2.1): many acknowledgements for one segment grow the window no faster than one.

use super::*;

#[test]
fn a_hundred_acknowledgements_are_worth_one() {
    let grown = |pieces: u32| {
        let mut b = in_flight(SACK);
        let before = b.info().cwnd;
        for n in 1..=pieces {
            b.peer(ACK, 1, 1 + n * 1000 / pieces, &[]);
            b.flush();
        }
        b.info().cwnd - before
    };
    assert!(grown(1) >= 1000);
    assert!(grown(100) <= grown(1));
}

#[test]
fn nor_does_recovery_send_more() {
    let sent = |pieces: u32| {
        let mut b = in_flight(SACK);
        b.sack(1, &[(1001, 5001)]);
        let mut bytes = b.flush().iter().map(|s| s.payload.len()).sum::<usize>();
        b.now = b.now + ms(1);
        for n in 1..=pieces {
            b.sack(1, &[(1001, 5001 + 2000 * n / pieces)]);
            bytes += b.flush().iter().map(|s| s.payload.len()).sum::<usize>();
        }
        bytes
    };
    assert!(sent(100) <= sent(1) + 1000, "{} {}", sent(100), sent(1));
}
