//! Opening a connection: RFC 9293 section 3.5, RFC 7323 section 2, RFC 2018 section 2, backlog.

use super::*;

#[test]
fn syn_offers_everything() {
    let mut b = Bench::new();
    let syn = b.connect();
    let o = syn.repr.options;
    assert_eq!((o.mss, o.window_scale, o.sack_permitted), (Some(1460), Some(7), true));
    assert!(o.timestamps.is_some_and(|t| t.1 == 0));
    assert_eq!(syn.repr.window, 65_535);
    assert_eq!(b.state(), TcpState::SynSent);
    assert_eq!(b.ready(), Readiness::NONE);
    assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Err(Error::Already));
    assert!((32_768..61_000).contains(&b.local));
}

#[test]
fn active_open_with_a_modern_peer() {
    let mut b = Bench::connected(MODERN);
    let i = b.info();
    assert_eq!((i.snd_mss, i.snd_wscale, i.sack, i.timestamps), (1448, 7, true, true));
    assert_eq!(i.cwnd, 14_480);
    assert_eq!(i.srtt, ms(10));
    let id = b.id;
    assert_eq!(b.events(), vec![(id, Readiness::OUT)]);
    assert_eq!(b.ready(), Readiness::OUT);
}

#[test]
fn a_peer_without_options_gets_536() {
    let none = Peer { mss: None, ..PLAIN };
    let b = Bench::connected(none);
    let i = b.info();
    assert_eq!((i.snd_mss, i.wscale, i.sack, i.timestamps), (536, false, false, false));
}

#[test]
fn syn_is_retransmitted_six_times_over_127_seconds() {
    let mut b = Bench::new();
    b.connect();
    let start = b.now;
    let sent = b.advance(Duration::from_secs(126));
    let at: Vec<u64> = sent.iter().map(|s| s.at.since(start).as_secs()).collect();
    assert_eq!(at, [1, 3, 7, 15, 31, 63]);
    assert!(sent.iter().all(|s| s.repr.flags == SYN && s.repr.seq.0 == b.iss));
    assert_eq!(b.state(), TcpState::SynSent);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
    assert!(b.ready().contains(Readiness::HUP));
}

#[test]
fn a_refused_connection_may_be_tried_again() {
    let mut b = Bench::new();
    b.connect();
    b.peer(RST | ACK, 0, 1, &[]);
    assert_eq!(b.state(), TcpState::Closed);
    let want = Readiness::ERR | Readiness::HUP | Readiness::IN | Readiness::OUT | Readiness::RDHUP;
    assert_eq!(b.ready(), want);
    let id = b.id;
    assert_eq!(b.events(), vec![(id, want)]);
    let again = b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500);
    assert_eq!(again, Err(Error::ConnectionRefused));
    b.connect();
    b.syn_ack(PLAIN);
    assert_eq!(b.state(), TcpState::Established);
}

/// RFC 9293 section 3.10.7.3: a RST counts in SYN-SENT only with an acceptable ACK.
#[test]
fn a_blind_reset_does_not_end_an_attempt() {
    let mut b = Bench::new();
    b.connect();
    b.peer(RST, 0, 0, &[]);
    b.peer(RST | ACK, 0, 7, &[]);
    assert_eq!(b.state(), TcpState::SynSent);
}

/// RFC 9293 section 3.5.1, figure 9: the peer has half of an old connection; its answer is reset, and the SYN
/// goes out again soon.
#[test]
fn an_unacceptable_ack_in_syn_sent_is_reset_and_the_syn_repeated() {
    let mut b = Bench::new();
    b.connect();
    b.peer(ACK, 300, 77_000, &[]);
    let sent = b.advance(ms(3));
    assert_eq!(sent[0].repr.flags, RST);
    assert_eq!(sent[0].repr.seq.0, b.iss.wrapping_add(77_000));
    assert_eq!(sent[1].repr.flags, SYN);
}

/// RFC 9293 section 3.5, figure 7.
#[test]
fn simultaneous_open() {
    let mut b = Bench::new();
    b.connect();
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.options.mss = Some(1000);
    b.rx(syn);
    assert_eq!(b.state(), TcpState::SynReceived);
    let sent = b.flush();
    assert_eq!(sent[0].repr.flags, SYN | ACK);
    assert_eq!((sent[0].repr.seq.0, sent[0].repr.ack.0), (b.iss, b.irs + 1));
    b.syn_ack(PLAIN);
    assert_eq!(b.state(), TcpState::Established);
    b.flush();
    b.peer(ACK | PSH, 1, 1, b"hello");
    assert_eq!(b.recv(10).unwrap(), b"hello");
    b.send(b"world");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 5)]);
}

/// A socket connected to itself opens simultaneously with itself, as on Linux.
#[test]
fn connect_to_oneself() {
    let mut b = Bench::new();
    b.tcp.bind(b.id, SocketAddrV4::new(US, 9999)).unwrap();
    let me = SocketAddrV4::new(US, 9999);
    assert_eq!(b.tcp.connect(b.now, b.id, me, US, 1500), Err(Error::InProgress));
    let loopback = |b: &mut Bench| {
        for _ in 0..10 {
            for s in b.flush() {
                let payload = Buf::from_vec(s.payload);
                let seg = SegmentIn {
                    src: s.src,
                    dst: s.dst,
                    tos: 0,
                    ttl: 64,
                    head: Buf::default(),
                    repr: s.repr,
                    payload,
                    gso_size: 0,
                };
                b.rx(seg);
            }
        }
    };
    loopback(&mut b);
    assert_eq!(b.state(), TcpState::Established);
    b.send(b"echo");
    loopback(&mut b);
    assert_eq!(b.recv(10).unwrap(), b"echo");
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    loopback(&mut b);
    assert_eq!(b.recv(10).unwrap(), b"");
}

#[test]
fn passive_open() {
    let mut b = Bench::listening(5);
    assert_eq!(b.ready(), Readiness::NONE);
    let syn_ack = b.client_syn(MODERN);
    let o = syn_ack.repr.options;
    assert_eq!((o.mss, o.window_scale, o.sack_permitted), (Some(1460), Some(7), true));
    assert_eq!(o.timestamps.map(|t| t.1), Some(1000));
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    b.advance(ms(7));
    b.client_ack();
    let listener = b.id;
    assert_eq!(b.events(), vec![(listener, Readiness::IN)]);
    assert_eq!(b.ready(), Readiness::IN);
    let (child, _) = b.tcp.accept(listener).unwrap();
    assert_eq!(b.ready(), Readiness::NONE);
    b.id = child;
    assert_eq!(b.state(), TcpState::Established);
    assert_eq!(b.info().srtt, ms(7));
    assert_eq!(b.tcp.local_addr(child), Some(SocketAddrV4::new(US, 8000)));
}

#[test]
fn options_not_offered_are_not_answered() {
    let mut b = Bench::listening(5);
    let o = b.client_syn(PLAIN).repr.options;
    assert_eq!((o.window_scale, o.sack_permitted, o.timestamps), (None, false, None));
}

#[test]
fn the_final_ack_may_bring_data_and_fin() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.peer(ACK | PSH | FIN, 1, 1, b"GET /");
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    assert_eq!(b.state(), TcpState::CloseWait);
    assert_eq!(b.ready(), Readiness::IN | Readiness::OUT | Readiness::RDHUP);
    assert_eq!(b.recv(100).unwrap(), b"GET /");
    assert_eq!(b.recv(100).unwrap(), b"");
}

#[test]
fn syn_ack_is_repeated_five_times() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    let start = b.now;
    let sent = b.advance(Duration::from_secs(100));
    let at: Vec<u64> = sent.iter().map(|s| s.at.since(start).as_secs()).collect();
    assert_eq!(at, [1, 3, 7, 15, 31]);
    assert!(sent.iter().all(|s| s.repr.flags == SYN | ACK && s.repr.seq.0 == b.iss));
    assert_eq!(b.tcp.requests.len(), 0);
    assert_eq!(b.tcp.poll_timeout(), None);
}

#[test]
fn a_repeated_syn_is_answered_again() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.advance(ms(600));
    let again = b.client_syn(PLAIN);
    assert_eq!(again.repr.seq.0, b.iss);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
}

/// Linux: more than `backlog` waiting, and final ACKs and SYNs are dropped; the client gets in later.
#[test]
fn a_full_backlog_drops_and_recovers() {
    let mut b = Bench::listening(1);
    for port in 0..2 {
        b.remote = 40_000 + port;
        b.client_syn(PLAIN);
        b.client_ack();
    }
    // Two wait: the queue is full. A third SYN is ignored.
    b.remote = 40_002;
    b.peer(SYN, 0, 0, &[]);
    b.silent();
    assert_eq!(b.counters.tcp_backlog_full, 1);
    assert!(b.tcp.accept(b.id).is_ok());
    b.client_syn(PLAIN);
    // Meanwhile another fills the queue; the final ACK is dropped, and so is the data that follows.
    let third = (b.remote, b.iss);
    b.remote = 40_003;
    b.client_syn(PLAIN);
    b.client_ack();
    (b.remote, b.iss) = third;
    b.client_ack();
    b.peer(ACK | PSH, 1, 1, b"data");
    b.silent();
    assert!(b.tcp.accept(b.id).is_ok() && b.tcp.accept(b.id).is_ok());
    // The client repeats its data, and is in.
    b.peer(ACK | PSH, 1, 1, b"data");
    let (child, remote) = b.tcp.accept(b.id).unwrap();
    assert_eq!(remote.port(), 40_002);
    b.id = child;
    assert_eq!(b.recv(10).unwrap(), b"data");
}

#[test]
fn half_open_requests_are_limited() {
    let mut b = Bench::listening(5);
    for port in 1..=1000 {
        b.remote = port;
        b.peer(SYN, 0, 0, &[]);
    }
    assert_eq!(b.tcp.requests.len(), 256);
    assert_eq!(b.counters.tcp_requests_full, 744);
}

#[test]
fn children_inherit_options() {
    let mut b = Bench::listening(5);
    b.options(|o| {
        o.nodelay = true;
        o.keepalive = true;
        o.rcvbuf = Some(20_000);
        o.tos = 0x10;
    });
    let syn_ack = b.client_syn(PLAIN);
    assert_eq!(syn_ack.repr.window, 20_000);
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    let o = b.tcp.options(child).unwrap();
    assert!(o.nodelay && o.keepalive && o.tos == 0x10 && o.rcvbuf == Some(20_000));
}

#[test]
fn a_reset_ends_a_request() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.peer(RST, 9, 0, &[]);
    assert_eq!(b.tcp.requests.len(), 1);
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.tcp.requests.len(), 0);
    b.silent();
}

#[test]
fn closing_a_listener_resets_its_children() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.client_ack();
    b.tcp.close(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    assert_eq!(b.tcp.socks.len(), 0);
    b.peer(SYN, 0, 0, &[]);
    assert_eq!(b.flush()[0].repr.flags, RST | ACK);
}

#[test]
fn icmp_ends_an_attempt_only_when_it_quotes_the_syn() {
    use crate::iface::icmp::IcmpError;
    let mut b = Bench::new();
    b.connect();
    let local = SocketAddrV4::new(US, b.local);
    let remote = b.peer_addr();
    let hit = |b: &mut Bench, seq: u32| {
        b.tcp.on_icmp_error(b.now, local, remote, SeqNumber(seq), IcmpError::HostUnreachable, &mut b.counters)
    };
    let iss = b.iss;
    hit(&mut b, iss.wrapping_add(1));
    assert_eq!(b.state(), TcpState::SynSent);
    hit(&mut b, iss);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::HostUnreachable));
}

/// RFC 6298 section 3 (Karn): a SYN-ACK that was sent again, because the client repeated its SYN, says nothing of the round trip.
#[test]
fn an_answer_to_a_repeated_syn_is_no_measurement() {
    let mut b = Bench::listening(5);
    let first = b.client_syn(PLAIN);
    b.advance(ms(600));
    let again = b.client_syn(PLAIN);
    assert_eq!(first.repr.seq, again.repr.seq);
    b.advance(ms(10));
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    assert_eq!(b.info().srtt, ms(0));
}
