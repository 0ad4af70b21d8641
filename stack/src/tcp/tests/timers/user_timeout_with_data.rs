//! tcp(7), TCP_USER_TIMEOUT: "the maximum amount of time in milliseconds that transmitted data may remain unacknowledged": counted from
//! the first retransmission, as Linux does, and exact, since the last interval is cut (`tcp_clamp_rto_to_user_timeout`).

use super::*;

#[test]
fn it_ends_when_it_says() {
    for user in [500, 1000, 3000, 10_000] {
        let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.user_timeout = ms(user)));
        b.send(b"data");
        b.flush();
        let first = b.advance(ms(250)).first().map(|s| s.at).expect("a retransmission");
        let mut last = b.now;
        while b.state() != TcpState::Closed {
            b.advance(ms(1));
            last = b.now;
        }
        assert_eq!(last.since(first).as_millis() as u64 / 2, user / 2, "{user}");
        assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
    }
}

#[test]
fn what_is_acknowledged_starts_it_over() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.user_timeout = ms(2000)));
    let mut next = 1;
    for _ in 0..10 {
        b.send(b"data");
        b.advance(ms(1500));
        next += 4;
        b.peer(ACK, 1, next, &[]);
        assert_eq!(b.state(), TcpState::Established);
    }
}
