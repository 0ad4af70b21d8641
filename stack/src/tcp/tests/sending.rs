//! What is sent, in which sizes, and when not: Nagle, corking, large frames, the initial window.

use super::*;

#[test]
fn the_initial_window_is_ten_segments() {
    let mut b = Bench::connected(PLAIN);
    assert_eq!(b.send(&[1; 50_000]), 50_000);
    let sent = b.sent();
    assert_eq!(sent.len(), 10);
    assert!(sent.iter().all(|s| s.2 == 1000 && s.0 == ACK));
    // RFC 5681 section 3.1, slow start: two for each.
    b.peer(ACK, 1, 2001, &[]);
    assert_eq!(b.sent().len(), 4);
}

#[test]
fn the_last_segment_is_pushed() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 2500]);
    assert_eq!(b.sent(), vec![(ACK, 1, 1000), (ACK, 1001, 1000), (ACK | PSH, 2001, 500)]);
}

#[test]
fn frames_are_whole_segments() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_000);
    b.send(&[1; 100_000]);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].payload.len(), sent[0].gso), (14_480, Some(1448)));
    b.peer(ACK, 1, 14_481, &[]);
    let sent = b.flush();
    assert_eq!(sent[0].payload.len(), 28_960);
    b.peer(ACK, 1, 43_441, &[]);
    let sent = b.flush();
    // What is left, the last segment short.
    assert_eq!(sent.iter().map(|s| s.payload.len()).sum::<usize>(), 100_000 - 43_440);
    assert!(sent[0].payload.len() == 100_000 - 43_440 || sent[0].payload.len().is_multiple_of(1448));
}

#[test]
fn a_full_device_loses_nothing() {
    let mut b = Bench::connected(PLAIN);
    b.below.room = 3;
    b.send(&[1; 5000]);
    assert!(b.tcp.poll_transmit(b.now, &mut b.below, &mut b.counters).is_err());
    b.below.room = usize::MAX;
    let sent = b.sent();
    assert_eq!(sent.iter().map(|s| s.1).collect::<Vec<_>>(), [1, 1001, 2001, 3001, 4001]);
}

/// RFC 9293 section 3.7.4.
#[test]
fn nagle_holds_a_second_small_segment() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"first");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 5)]);
    b.send(b"second");
    b.silent();
    b.peer(ACK, 1, 6, &[]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 6)]);
}

#[test]
fn nagle_lets_full_segments_pass() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"first");
    b.flush();
    b.send(&[2; 2300]);
    assert_eq!(b.sent(), vec![(ACK, 6, 1000), (ACK, 1006, 1000)]);
    b.peer(ACK, 1, 6, &[]);
    // Minshall: no small segment is on its way now.
    assert_eq!(b.sent(), vec![(ACK | PSH, 2006, 300)]);
}

#[test]
fn nodelay_sends_at_once() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"first");
    b.flush();
    b.send(b"second");
    b.silent();
    b.options(|o| o.nodelay = true);
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 6)]);
    b.send(b"third");
    assert_eq!(b.sent(), vec![(ACK | PSH, 12, 5)]);
}

#[test]
fn cork_holds_until_uncorked() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.cork = true);
    b.send(&[1; 1500]);
    assert_eq!(b.sent(), vec![(ACK, 1, 1000)]);
    b.peer(ACK, 1, 1001, &[]);
    b.silent();
    b.options(|o| o.cork = false);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1001, 500)]);
}

#[test]
fn cork_ends_after_200_ms() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.cork = true);
    b.send(b"header");
    assert!(b.advance(ms(199)).is_empty());
    let sent = b.advance(ms(30));
    assert_eq!(sent[0].payload, b"header");
}

#[test]
fn more_holds_a_partial_segment() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.send(b.now, b.id, b"head", true).unwrap();
    b.silent();
    b.send(b"tail");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 8)]);
}

#[test]
fn fin_sends_what_was_held() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.cork = true);
    b.send(b"header");
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 6)]);
}

#[test]
fn the_send_buffer_has_a_limit_and_tells_of_room() {
    let mut b = Bench::connected(PLAIN);
    b.events();
    let id = b.id;
    b.options(|o| o.sndbuf = Some(9000));
    assert_eq!(b.send(&[1; 20_000]), 9000);
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::WouldBlock));
    assert_eq!(b.ready(), Readiness::NONE);
    b.flush();
    b.peer(ACK, 1, 2001, &[]);
    // 2000 of 9000 are free: not a third of the buffer.
    assert_eq!(b.events(), vec![]);
    b.peer(ACK, 1, 3001, &[]);
    assert_eq!(b.events(), vec![(id, Readiness::OUT)]);
    assert_eq!(b.ready(), Readiness::OUT);
    b.peer(ACK, 1, 5001, &[]);
    assert_eq!(b.events(), vec![]);
    assert_eq!((b.tcp.send_queued(id), b.tcp.send_notsent(id)), (4000, 0));
}

/// RFC 5681 section 4.1.
#[test]
fn cwnd_restarts_after_idle() {
    let mut b = Bench::connected(PLAIN);
    let mut acked = 1;
    for _ in 0..4 {
        b.send(&[1; 40_000]);
        while b.tcp.send_queued(b.id) > 0 {
            let n: usize = b.sent().iter().map(|s| s.2).sum();
            acked += n as u32;
            b.now = b.now + ms(10);
            b.peer(ACK, 1, acked, &[]);
        }
    }
    assert!(b.info().cwnd > 30_000);
    b.advance(Duration::from_secs(10));
    b.send(&[1; 40_000]);
    assert_eq!(b.sent().len(), 10);
}

#[test]
fn maxseg_limits_segments() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.maxseg = Some(500)));
    b.send(&[1; 1000]);
    assert_eq!(b.sent().iter().map(|s| s.2).collect::<Vec<_>>(), [500, 500]);
}

/// RFC 1191: what was too large is sent again in smaller pieces, at once.
#[test]
fn a_smaller_path_mtu() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::connected(MODERN);
    b.send(&[1; 5000]);
    b.flush();
    b.below.mtu = 1000;
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss + 1);
    let remote = b.peer_addr();
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::PathMtu(1000), &mut b.counters);
    let sent = b.sent();
    assert!(sent.iter().all(|s| s.2 <= 948));
    assert_eq!(sent[0].1, 1);
    let mut acked = 1 + sent.iter().map(|s| s.2 as u32).sum::<u32>();
    while acked < 5001 {
        b.peer(ACK, 1, acked, &[]);
        let n: usize = b.sent().iter().map(|s| s.2).sum();
        assert!(n > 0, "{acked}");
        acked += n as u32;
    }
    b.peer(ACK, 1, 5001, &[]);
    assert_eq!(b.tcp.send_queued(b.id), 0);
}

#[test]
fn keepalive() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| {
        o.keepalive = true;
        o.keepidle = Duration::from_secs(60);
        o.keepintvl = Duration::from_secs(10);
        o.keepcnt = 3;
    });
    let start = b.now;
    let sent = b.advance(Duration::from_secs(65));
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].repr.seq.0, sent[0].payload.len()), (b.iss, 0));
    assert_eq!(sent[0].at.since(start), Duration::from_secs(60));
    // An answer starts it anew.
    b.peer(ACK, 1, 1, &[]);
    let sent = b.advance(Duration::from_secs(200));
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[3].repr.flags, RST | ACK);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}

#[test]
fn an_idle_connection_has_no_timer() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"ping");
    b.flush();
    assert!(b.tcp.poll_timeout().is_some());
    b.peer(ACK | PSH, 1, 5, b"pong");
    b.recv(10).unwrap();
    b.advance(ms(50));
    assert_eq!(b.tcp.poll_timeout(), None);
}
