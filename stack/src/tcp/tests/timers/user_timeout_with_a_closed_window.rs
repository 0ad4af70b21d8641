//! TCP_USER_TIMEOUT bounds how long a window may stay closed, though the peer answers each probe (Linux: `tcp_probe_timer`, since
//! 4.20): data waits all the same. Counted from the first probe, and exact (`tcp_clamp_probe0_to_user_timeout`). A window that closes
//! over data under way counts too (`tcp_rtx_probe0_timed_out`).

use super::*;

#[test]
fn probes_with_answers() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.user_timeout = ms(5000)));
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    b.flush();
    let mut first = None;
    while b.state() != TcpState::Closed {
        for s in b.advance(ms(1)) {
            first.get_or_insert(s.at);
            b.peer(ACK, 1, 1, &[]);
        }
    }
    assert_eq!(b.now.since(first.unwrap()).as_millis() / 2, 2500);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}

#[test]
fn an_open_window_starts_it_over() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.user_timeout = ms(3000)));
    let mut next = 1;
    for _ in 0..5 {
        b.peer_window = 0;
        b.peer(ACK, 1, next, &[]);
        b.send(b"waiting");
        for _ in 0..20 {
            for _ in b.advance(ms(100)) {
                b.peer(ACK, 1, next, &[]);
            }
        }
        assert_eq!(b.state(), TcpState::Established);
        b.peer_window = 1000;
        b.peer(ACK, 1, next, &[]);
        b.flush();
        next += 7;
        b.peer(ACK, 1, next, &[]);
    }
}

/// Without TCP_USER_TIMEOUT such a peer is alive and is waited for.
#[test]
fn a_window_closed_over_data_under_way() {
    for (user, ends) in [(4000, true), (0, false)] {
        let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.user_timeout = ms(user)));
        b.send(&[1; 3000]);
        b.flush();
        b.peer_window = 0;
        b.peer(ACK, 1, 1001, &[]);
        for _ in 0..2000 {
            for _ in b.advance(ms(500)) {
                b.peer(ACK, 1, 1001, &[]);
            }
        }
        assert_eq!(b.state() == TcpState::Closed, ends, "{user}");
    }
}
