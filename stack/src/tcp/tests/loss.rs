//! Loss and recovery: RFC 6298, RFC 5681, RFC 6582, RFC 6675, RFC 3522.

use super::*;

/// Ten segments of 1000 bytes are in flight.
fn in_flight(peer: Peer) -> Bench {
    let mut b = Bench::connected(peer);
    b.send(&[1; 30_000]);
    assert_eq!(b.sent().len(), 10);
    b
}

/// RFC 6298 section 5.
#[test]
fn the_timer_backs_off_and_starts_anew() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    let start = b.now;
    let sent = b.advance(Duration::from_secs(4));
    let at: Vec<_> = sent.iter().map(|s| s.at.since(start).as_millis()).collect();
    assert!(sent.iter().all(|s| s.payload == b"hello" && s.repr.seq.0 == b.iss + 1));
    // RTO is 10 + 200 ms.
    assert_eq!(at, [210, 630, 1470, 3150]);
    b.peer(ACK, 1, 6, &[]);
    assert_eq!(b.info().retransmits, 0);
    // Section 5.7, Karn: without a measurement, the back-off stays for the next segment.
    b.send(b"again");
    b.flush();
    let start = b.now;
    let sent = b.advance(Duration::from_secs(4));
    assert_eq!(sent[0].at.since(start), ms(210 * 16));
    b.peer(ACK, 1, 11, &[]);
    b.send(b"measured");
    b.flush();
    b.advance(ms(10));
    b.peer(ACK, 1, 19, &[]);
    b.send(b"anew");
    b.flush();
    let start = b.now;
    let sent = b.advance(ms(250));
    assert_eq!(sent[0].at.since(start), ms(210));
}

#[test]
fn fifteen_retransmissions_are_the_end() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    let start = b.now;
    b.advance(Duration::from_secs(920));
    assert_eq!(b.state(), TcpState::Established);
    b.advance(Duration::from_secs(200));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
    assert_eq!(b.counters.tcp_timeouts, 1);
    let _ = start;
}

#[test]
fn user_timeout() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.user_timeout = Duration::from_secs(3));
    b.send(b"hello");
    b.flush();
    b.advance(Duration::from_secs(10));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}

#[test]
fn icmp_explains_a_timeout() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss + 1);
    let remote = b.peer_addr();
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::HostUnreachable, &mut b.counters);
    assert_eq!(b.state(), TcpState::Established);
    b.advance(Duration::from_secs(2000));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::HostUnreachable));
}

/// IP_RECVERR (tcp(7)): told at once, the connection goes on.
#[test]
fn icmp_is_told_at_once_to_whom_asked() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.recverr = true);
    b.send(b"hello");
    b.flush();
    let local = SocketAddrV4::new(US, b.local);
    let seq = SeqNumber(b.iss + 1);
    let remote = b.peer_addr();
    b.tcp.on_icmp_error(b.now, local, remote, seq, IcmpError::HostUnreachable, &mut b.counters);
    assert!(b.tcp.readiness(b.id).contains(crate::types::Readiness::ERR));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::HostUnreachable));
    assert_eq!(b.state(), TcpState::Established);
    b.peer(ACK, 1, 6, &[]);
    b.send(b"more");
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 4)]);
}

/// RFC 5681 section 3.1: one segment, and slow start to half of what was in flight.
#[test]
fn a_timeout_starts_over() {
    let mut b = in_flight(PLAIN);
    let sent = b.advance(ms(250));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].repr.seq.0, b.iss + 1);
    let i = b.info();
    assert_eq!((i.cwnd, i.ssthresh), (1000, 5000));
    b.peer(ACK, 1, 1001, &[]);
    // F-RTO (RFC 5682) sends new data first; duplicates say that the loss was one.
    assert_eq!(b.sent(), vec![(ACK, 10_001, 1000), (ACK, 11_001, 1000)]);
    b.peer(ACK, 1, 1001, &[]);
    assert_eq!(b.sent()[0], (ACK | PSH, 1001, 1000));
}

/// RFC 5681 section 3.2, RFC 6582 section 3.2.
#[test]
fn newreno_without_sack() {
    let mut b = in_flight(PLAIN);
    // 1 and 3 were lost.
    for _ in 0..2 {
        b.peer(ACK, 1, 1, &[]);
    }
    // RFC 3042, limited transmit: each of the first two sends new data.
    assert_eq!(b.sent(), vec![(ACK, 10_001, 1000), (ACK, 11_001, 1000)]);
    b.peer(ACK, 1, 1, &[]);
    let sent = b.sent();
    assert_eq!(sent[0], (ACK | PSH, 1, 1000));
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
    for _ in 0..5 {
        b.peer(ACK, 1, 1, &[]);
    }
    b.flush();
    // A partial acknowledgement: the next hole at once.
    b.peer(ACK, 1, 2001, &[]);
    let sent = b.sent();
    assert_eq!(sent[0], (ACK | PSH, 2001, 1000));
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
    b.peer(ACK, 1, 12_001, &[]);
    let i = b.info();
    assert!(i.cwnd <= i.ssthresh && i.ssthresh >= 5000, "{i:?}");
    assert_eq!(b.counters.tcp_rto, 0);
}

#[test]
fn dupacks_with_data_or_a_new_window_do_not_count() {
    let mut b = in_flight(PLAIN);
    for i in 0..6 {
        b.peer_window -= 10;
        b.peer(ACK, 1 + i, 1, &[]);
        b.peer(ACK, 1 + i, 1, b"x");
    }
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
}

/// RFC 6675: holes are retransmitted as pipe allows, in order, once.
#[test]
fn sack_recovery() {
    let mut b = in_flight(SACK);
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 2001)]);
    b.sack(1, &[(1001, 2001), (3001, 4001)]);
    assert_eq!(b.sent(), vec![(ACK, 10_001, 1000), (ACK, 11_001, 1000)]);
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
    // The third: segment 0 has three above it, segment 2 only two.
    b.sack(1, &[(3001, 5001), (1001, 2001)]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 1000)]);
    let ssthresh = b.info().ssthresh;
    assert!((5000..=6000).contains(&ssthresh));
    b.now = b.now + ms(1);
    b.sack(1, &[(3001, 6001), (1001, 2001)]);
    b.sack(1, &[(3001, 7001), (1001, 2001)]);
    b.sack(1, &[(3001, 8001), (1001, 2001)]);
    b.sack(1, &[(3001, 9001), (1001, 2001)]);
    let sent = b.sent();
    assert!(sent.contains(&(ACK | PSH, 2001, 1000)), "{sent:?}");
    assert!(!sent.iter().any(|s| s.1 == 1 || (3001..8001).contains(&s.1)), "{sent:?}");
    b.peer(ACK, 1, 12_001, &[]);
    assert_eq!(b.counters.tcp_rto, 0);
    assert!((ssthresh..=ssthresh + 1000).contains(&b.info().cwnd));
    assert_eq!(b.counters.tcp_retransmits, 2);
    assert_eq!(b.counters.tcp_fast_recoveries, 1);
}

/// A retransmission that is lost again is found by what was sent after it (RFC 8985), without a time-out.
#[test]
fn a_lost_retransmission_is_repeated() {
    let mut b = in_flight(SACK);
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 6001)]);
    let sent = b.sent();
    assert_eq!(sent[0], (ACK | PSH, 1, 1000));
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 10_001)]);
    let new: Vec<_> = b.sent();
    assert!(!new.is_empty() && new.iter().all(|s| s.1 >= 10_001));
    b.now = b.now + ms(10);
    b.sack(1, &[(1001, 11_001)]);
    assert_eq!(b.sent()[0], (ACK | PSH, 1, 1000));
    assert_eq!(b.counters.tcp_rto, 0);
}

#[test]
fn a_large_frame_is_retransmitted_in_part() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_000);
    b.send(&[1; 14_480]);
    assert_eq!(b.flush().len(), 1);
    // Of the ten segments, the second and third are lost.
    b.sack(1449, &[(4345, 14_481)]);
    let sent = b.flush();
    assert_eq!(sent.iter().map(|s| s.payload.len()).sum::<usize>(), 2896);
    assert_eq!(sent[0].repr.seq.0, b.iss + 1449);
}

/// RFC 2018 section 8: the peer may drop what it SACKed; the timer sends it again.
#[test]
fn a_reneging_peer() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 10_001)]);
    b.flush();
    b.peer(ACK, 1, 1001, &[]);
    let mut acked = 1001;
    for _ in 0..40 {
        for s in b.advance(ms(400)) {
            let end = s.repr.seq.0 - b.iss + s.payload.len() as u32;
            if s.repr.seq.0 - b.iss == acked {
                acked = end;
            }
        }
        b.peer(ACK, 1, acked, &[]);
    }
    assert_eq!(acked, 30_001);
}

/// RFC 3522: the acknowledgement echoes a time before the retransmission.
#[test]
fn a_spurious_timeout_is_undone() {
    let mut b = Bench::connected(MODERN);
    b.send(&[1; 10_000]);
    b.flush();
    let echo = b.ts_seen;
    let before = b.info().cwnd;
    // A tail loss probe, and the time-out.
    let sent = b.advance(ms(300));
    assert_eq!(sent.len(), 2);
    assert!(b.info().cwnd < before);
    b.ts_seen = echo;
    b.peer(ACK, 1, 1449, &[]);
    assert!(b.info().cwnd >= before);
    assert_eq!(b.counters.tcp_spurious_recoveries, 1);
    b.silent();
}

/// Karn: a retransmitted segment is no measure, unless timestamps say which one arrived.
#[test]
fn no_round_trip_time_from_a_retransmission() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    b.advance(ms(500));
    b.peer(ACK, 1, 6, &[]);
    assert_eq!(b.info().srtt, ms(10));
}

#[test]
fn a_window_that_closes_over_data_in_flight() {
    let mut b = in_flight(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 3001, &[]);
    b.flush();
    for _ in 0..30 {
        let due = b.tcp.poll_timeout().unwrap();
        for s in b.advance(due.since(b.now) + ms(1)) {
            assert_eq!(s.repr.seq.0, b.iss + 3001);
        }
        b.peer(ACK, 1, 3001, &[]);
        assert_eq!(b.state(), TcpState::Established);
    }
    b.peer_window = 60_000;
    b.peer(ACK, 1, 10_001, &[]);
    assert!(!b.sent().is_empty());
}
