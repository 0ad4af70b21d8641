//! Options that change what a connection does: tcp(7), ip(7).

use super::*;

/// tcp(7) TCP_LINGER2: "The lifetime of orphaned FIN_WAIT2 state sockets."
#[test]
fn linger2_ends_fin_wait2() {
    for (linger2, before, after) in [(Some(Duration::from_secs(5)), 4900, 200), (None, 0, 0)] {
        let mut b = Bench::connected(PLAIN);
        b.options(|o| o.linger2 = linger2);
        b.tcp.close(b.now, b.id);
        assert_eq!(b.sent(), vec![(ACK | FIN, 1, 0)]);
        b.peer(ACK, 1, 2, &[]);
        if linger2.is_none() {
            // tcp_rcv_state_process: who does not wait for the peer's FIN tells him.
            assert_eq!(b.sent(), vec![(RST, 2, 0)]);
        } else {
            b.advance(ms(before));
            assert_eq!(b.tcp.socks.len(), 1, "too early");
            b.advance(ms(after));
        }
        assert_eq!(b.tcp.socks.len(), 0);
    }
}

/// tcp(7) TCP_DEFER_ACCEPT: "Allow a listener to be awakened only when data arrives on the socket."
#[test]
fn defer_accept_waits_for_data() {
    let mut b = Bench::listening(5);
    b.options(|o| o.defer_accept = 3);
    b.client_syn(PLAIN);
    b.client_ack();
    assert_eq!(b.ready(), Readiness::NONE);
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    b.peer(ACK | PSH, 1, 1, b"GET");
    assert_eq!(b.ready(), Readiness::IN);
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    assert_eq!(b.recv(10).unwrap(), b"GET");
}

/// net/ipv4/inet_connection_sock.c, syn_ack_recalc: a silent client is asked again when the time is nearly over, and its
/// answer then opens the connection.
#[test]
fn defer_accept_ends() {
    let mut b = Bench::listening(5);
    b.options(|o| o.defer_accept = 2);
    b.client_syn(PLAIN);
    b.client_ack();
    // One SYN-ACK was sent; the second of the two that cover the time is due after 1 s, and finds that it is not yet time.
    let sent = b.advance(ms(1100));
    assert!(sent.is_empty(), "{sent:?}");
    let sent = b.advance(ms(2100));
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(sent[0].repr.flags, SYN | ACK);
    b.client_ack();
    assert!(b.tcp.accept(b.id).is_ok());
}

/// The time until the client says something is no round trip, and who waits for it has lost no SYN-ACK (RFC 5681 section 3.1 has
/// an initial window of one segment for that; inet_rtx_syn_ack counts what was sent again, not the waiting).
#[test]
fn defer_accept_does_not_slow_the_connection_down() {
    for wait in [ms(500), ms(5000)] {
        let mut b = Bench::listening(5);
        b.options(|o| o.defer_accept = 10);
        b.client_syn(MODERN);
        b.advance(ms(10));
        b.client_ack();
        assert!(b.advance(wait).is_empty());
        b.peer(ACK | PSH, 1, 1, b"GET");
        let (child, _) = b.tcp.accept(b.id).unwrap();
        b.id = child;
        let info = b.info();
        assert_eq!(info.srtt, ms(10), "{wait:?}");
        assert!(info.rto <= ms(250) && info.cwnd >= 10 * 1400, "{wait:?}: {:?} {}", info.rto, info.cwnd);
    }
}

/// net/ipv4/tcp_ipv4.c, tcp_v4_rcv: the listener's filter sees what completes a handshake too; RFC 5082 section 3.
#[test]
fn what_a_listener_does_not_want_opens_nothing() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.options(|o| o.min_ttl = 255);
    b.client_ack();
    b.silent();
    assert_eq!((b.tcp.accept(b.id), b.tcp.requests.len()), (Err(Error::WouldBlock), 1));
    b.peer(RST, 1, 1, &[]);
    assert_eq!((b.tcp.requests.len(), b.counters.tcp_min_ttl), (1, 2));
}

/// tcp(7) TCP_WINDOW_CLAMP: "Bound the size of the advertised window to this value."
#[test]
fn window_clamp_bounds_what_is_announced() {
    let mut b = Bench::connected_with(MODERN, |b| b.options(|o| o.window_clamp = 2000));
    b.peer(ACK | PSH, 1, 1, b"x");
    b.recv(10).unwrap();
    b.peer(ACK | PSH, 2, 1, &[7; 1460]);
    b.advance(ms(50));
    b.peer(ACK | PSH, 1462, 1, &[7; 100]);
    let sent = b.advance(ms(50));
    let window = u32::from(sent.last().unwrap().repr.window) << 7;
    assert!((1..=2048).contains(&window), "{window}");
}

/// net/ipv4/tcp.c, tcp_stream_memory_free: TCP_NOTSENT_LOWAT bounds what waits to be sent, whatever is under way.
#[test]
fn notsent_lowat_bounds_what_waits() {
    let mut b = Bench::connected(Peer { window: 4000, ..PLAIN });
    b.options(|o| o.notsent_lowat = 5000);
    b.events();
    // 4000 leave at once; of what follows, 5000 and a segment are taken.
    assert_eq!(b.send(&[1; 4000]), 4000);
    b.flush();
    let taken = b.send(&[1; 60_000]);
    assert!((5000..=6000).contains(&taken), "{taken}");
    assert_eq!(b.tcp.send(b.now, b.id, &[1], false), Err(Error::WouldBlock));
    assert!(!b.ready().contains(Readiness::OUT));
    // sendfile(2) asks first.
    assert_eq!(b.tcp.send_space(b.id), Ok(0));
    // An acknowledgement lets 4000 leave: less than half of the mark waits, and the user hears of it.
    b.events();
    b.peer(ACK, 1, 4001, &[]);
    b.flush();
    assert!(b.ready().contains(Readiness::OUT));
    assert!(b.events().iter().any(|(_, e)| e.contains(Readiness::OUT)));
}

/// tcp(7) TCP_THIN_LINEAR_TIMEOUTS: linear time-outs while fewer than four packets are in flight, for six retries.
#[test]
fn thin_linear_timeouts_do_not_back_off() {
    let gaps = |thin: bool| {
        let mut b = Bench::connected(PLAIN);
        b.options(|o| o.thin_linear = thin);
        b.send(b"thin");
        b.flush();
        let times: Vec<_> = b.advance(Duration::from_secs(5)).iter().map(|s| s.at.millis()).collect();
        times.windows(2).map(|w| w[1] - w[0]).collect::<Vec<_>>()
    };
    let (thin, thick) = (gaps(true), gaps(false));
    assert!(thin[..4].iter().all(|g| *g == thin[0]), "{thin:?}");
    assert!(thick[1] >= 2 * thick[0] && thick[2] >= 2 * thick[1], "{thick:?}");
    // The seventh retransmission is the first to double.
    assert!(thin[6] >= 2 * thin[5], "{thin:?}");
}

/// net/ipv4/tcp.c, TCP_RTO_MIN_US and TCP_RTO_MAX_MS.
#[test]
fn retransmission_stays_between_its_bounds() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| {
        o.rto_min = ms(10);
        o.rto_max = ms(1000);
    });
    for i in 0..20 {
        b.send(b"x");
        b.advance(ms(10));
        b.peer(ACK, 1, 2 + i, &[]);
    }
    b.send(b"lost");
    b.flush();
    let start = b.now.millis();
    let times: Vec<_> = b.advance(Duration::from_secs(20)).iter().map(|s| s.at.millis() - start).collect();
    assert!(times[0] < 100, "{times:?}");
    let gaps: Vec<_> = times.windows(2).map(|w| w[1] - w[0]).collect();
    assert_eq!(gaps.iter().max(), Some(&1000), "{gaps:?}");
}

/// net/ipv4/tcp.c, TCP_DELACK_MAX_US.
#[test]
fn acknowledgements_are_delayed_no_longer_than_told() {
    let delay = |max: Duration| {
        let mut b = Bench::connected(PLAIN);
        b.options(|o| o.delack_max = max);
        // Answers make it interactive, so that acknowledgements wait.
        for i in 0..3 {
            b.peer(ACK | PSH, 1 + i, 1 + i, b"q");
            b.recv(1).unwrap();
            b.send(b"a");
            b.flush();
        }
        b.peer(ACK | PSH, 4, 4, b"q");
        let from = b.now.millis();
        b.advance(ms(200)).first().map(|s| s.at.millis() - from)
    };
    assert_eq!(delay(ms(200)), Some(40));
    assert_eq!(delay(ms(10)), Some(10));
}

/// ip(7), RFC 5082 section 3: IP_MINTTL.
#[test]
fn min_ttl_drops_what_came_from_afar() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.min_ttl = 255);
    let mut far = b.segment(ACK | PSH, 1, 1, b"far");
    far.ttl = 254;
    b.rx(far);
    assert_eq!(b.recv(10), Err(Error::WouldBlock));
    assert_eq!(b.counters.tcp_min_ttl, 1);
    let mut near = b.segment(ACK | PSH, 1, 1, b"near");
    near.ttl = 255;
    b.rx(near);
    assert_eq!(b.recv(10).unwrap(), b"near");
}

/// tcp(7) TCP_SAVE_SYN and TCP_SAVED_SYN: told once, and only where there is room.
#[test]
fn the_syn_is_saved() {
    let mut b = Bench::listening(5);
    b.options(|o| o.save_syn = true);
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.seq = SeqNumber(b.irs);
    syn.repr.ack = SeqNumber(0);
    syn.head = Buf::copy_from(&[0x45, 1, 2, 3]);
    b.rx(syn);
    b.iss = b.flush()[0].repr.seq.0;
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    assert_eq!(b.tcp.saved_syn(child, 3), Ok(Err(4)));
    assert_eq!(b.tcp.saved_syn(child, 100), Ok(Ok(vec![0x45, 1, 2, 3])));
    assert_eq!(b.tcp.saved_syn(child, 100), Ok(Ok(vec![])));
}

/// ip(7) IP_LOCAL_PORT_RANGE, for bind and for connect.
#[test]
fn ports_come_from_the_range() {
    let mut b = Bench::new();
    for (low, high) in [(40_000, 40_003), (40_001, 40_001), (0, 32_769), (60_998, 0)] {
        for _ in 0..3 {
            let id = b.tcp.open();
            let mut opts = b.tcp.options(id).unwrap().clone();
            opts.port_range = (low, high);
            b.tcp.set_options(b.now, id, opts).unwrap();
            assert_eq!(b.tcp.connect(b.now, id, b.peer_addr(), US, 1500), Err(Error::InProgress));
            let port = b.tcp.local_addr(id).unwrap().port();
            let high = if high == 0 { 60_999 } else { high };
            assert!((low.max(32_768)..=high).contains(&port), "{port}");
            b.tcp.abort(b.now, id);
        }
    }
    let id = b.tcp.open();
    let mut opts = b.tcp.options(id).unwrap().clone();
    opts.port_range = (50_000, 50_000);
    b.tcp.set_options(b.now, id, opts.clone()).unwrap();
    b.tcp.bind(id, SocketAddrV4::new(US, 0)).unwrap();
    assert_eq!(b.tcp.local_addr(id).unwrap().port(), 50_000);
    let second = b.tcp.open();
    b.tcp.set_options(b.now, second, opts).unwrap();
    assert_eq!(b.tcp.bind(second, SocketAddrV4::new(US, 0)), Err(Error::AddrInUse));
}

/// net/ipv4/tcp.c, tcp_stream_is_readable: SO_RCVLOWAT holds poll back, unless the peer can hardly send more.
#[test]
fn rcvlowat_holds_back_until_the_window_is_shut() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.rcvlowat = 100_000);
    b.peer(ACK | PSH, 1, 1, b"little");
    assert!(!b.ready().contains(Readiness::IN));
    b.options(|o| o.rcvlowat = 6);
    assert!(b.ready().contains(Readiness::IN));
    let mut b = Bench::connected(PLAIN);
    b.options(|o| {
        o.rcvbuf = Some(8000);
        o.rcvlowat = 100_000;
    });
    let mut at = 1;
    for _ in 0..200 {
        b.peer(ACK | PSH, at, 1, &[9; 1000]);
        at += 1000;
        b.flush();
        if b.ready().contains(Readiness::IN) {
            return;
        }
    }
    panic!("never readable");
}
