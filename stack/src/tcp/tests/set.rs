//! The set of sockets: ids, ports, binding, many connections.

use super::super::Body;
use super::*;

#[test]
fn ids_do_not_outlive_their_socket() {
    let mut b = Bench::new();
    let old = b.id;
    b.tcp.close(b.now, old);
    let new = b.tcp.open();
    assert_eq!(old.index, new.index);
    assert_eq!(b.tcp.bind(old, SocketAddrV4::new(US, 1)), Err(Error::BadSocket));
    assert_eq!(b.tcp.send(b.now, old, b"x", false), Err(Error::BadSocket));
    assert_eq!(b.tcp.readiness(old), Readiness::HUP);
    b.tcp.close(b.now, old);
    assert!(b.tcp.options(new).is_ok());
}

#[test]
fn a_fresh_socket() {
    let mut b = Bench::new();
    assert_eq!(b.ready(), Readiness::OUT | Readiness::HUP);
    assert_eq!(b.recv(1), Err(Error::NotConnected));
    assert_eq!(b.tcp.send(b.now, b.id, b"x", false), Err(Error::BrokenPipe));
    assert_eq!(b.tcp.accept(b.id), Err(Error::InvalidArgument));
    assert_eq!(b.tcp.local_addr(b.id), None);
    assert_eq!(b.tcp.peer_addr(b.id), None);
}

#[test]
fn bind_and_listen_rules() {
    let mut b = Bench::new();
    let any = Ipv4Addr::UNSPECIFIED;
    b.tcp.bind(b.id, SocketAddrV4::new(any, 0)).unwrap();
    let port = b.tcp.local_addr(b.id).unwrap().port();
    assert!((32_768..61_000).contains(&port));
    assert_eq!(b.tcp.bind(b.id, SocketAddrV4::new(any, 1)), Err(Error::InvalidArgument));
    b.tcp.listen(b.id, 3).unwrap();
    b.tcp.listen(b.id, 7).unwrap();
    assert_eq!(b.tcp.connect(b.now, b.id, b.peer_addr(), US, 1500), Err(Error::IsConnected));
    let other = b.tcp.open();
    assert_eq!(b.tcp.bind(other, SocketAddrV4::new(US, port)), Err(Error::AddrInUse));
    // listen(2) binds by itself.
    b.tcp.listen(other, 1).unwrap();
    assert_ne!(b.tcp.local_addr(other).unwrap().port(), port);
}

#[test]
fn reuseport_spreads_connections() {
    let mut b = Bench::new();
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8000);
    let ids: Vec<_> = (0..4).map(|_| b.tcp.open()).collect();
    for id in &ids {
        b.id = *id;
        b.options(|o| o.reuseport = true);
        b.tcp.bind(*id, any).unwrap();
        b.tcp.listen(*id, 500).unwrap();
    }
    b.local = 8000;
    for port in 1000..1200 {
        b.remote = port;
        b.client_syn(PLAIN);
        b.client_ack();
    }
    for id in ids {
        let n = std::iter::from_fn(|| b.tcp.accept(id).ok()).count();
        assert!((20..90).contains(&n), "{n}");
    }
}

#[test]
fn v6only_listeners_take_no_ipv4() {
    let mut b = Bench::new();
    b.options(|o| o.v6only = true);
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 8000);
    b.tcp.bind(b.id, any).unwrap();
    b.tcp.listen(b.id, 1).unwrap();
    b.local = 8000;
    b.peer(SYN, 0, 0, &[]);
    assert_eq!(b.flush()[0].repr.flags, RST | ACK);
    let four = b.tcp.open();
    b.tcp.bind(four, any).unwrap();
    b.tcp.listen(four, 1).unwrap();
    b.client_syn(PLAIN);
}

#[test]
fn an_exact_address_wins() {
    let mut b = Bench::new();
    let exact = b.tcp.open();
    for (id, ip) in [(b.id, Ipv4Addr::UNSPECIFIED), (exact, US)] {
        b.id = id;
        b.options(|o| o.reuseport = true);
        b.tcp.bind(id, SocketAddrV4::new(ip, 8000)).unwrap();
        b.tcp.listen(id, 1).unwrap();
    }
    b.local = 8000;
    b.client_syn(PLAIN);
    b.client_ack();
    assert!(b.tcp.accept(exact).is_ok());
}

#[test]
fn a_thousand_connections_and_their_timers() {
    let mut b = Bench::listening(4096);
    let mut children = Vec::new();
    let listener = b.id;
    for port in 1..=1000 {
        b.remote = port;
        b.client_syn(PLAIN);
        b.client_ack();
        children.push((port, b.iss, b.tcp.accept(listener).unwrap().0));
    }
    assert_eq!(b.tcp.poll_timeout(), None);
    for (_, _, id) in &children {
        b.tcp.send(b.now, *id, b"hi", false).unwrap();
    }
    assert_eq!(b.flush().len(), 1000);
    assert_eq!(b.tcp.pending, 1000);
    for (port, iss, id) in children {
        (b.remote, b.iss) = (port, iss);
        b.peer(ACK | FIN, 1, 3, &[]);
        b.tcp.close(b.now, id);
        b.flush();
        b.peer(ACK, 2, 4, &[]);
    }
    assert_eq!(b.tcp.socks.len(), 1);
    assert_eq!((b.tcp.poll_timeout(), b.tcp.pending), (None, 0));
}

#[test]
fn ephemeral_connects_use_different_ports() {
    let mut b = Bench::new();
    let mut seen = std::collections::HashSet::new();
    for _ in 0..500 {
        b.id = b.tcp.open();
        b.connect();
        assert!(seen.insert(b.local));
    }
    assert_eq!(b.tcp.connections().len(), 500);
}

#[test]
fn disconnect_makes_a_socket_new() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.disconnect(b.now, b.id).unwrap();
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    // Linux leaves ECONNRESET behind.
    assert_eq!(b.ready(), Readiness::OUT | Readiness::HUP | Readiness::ERR);
    assert_eq!(b.tcp.local_addr(b.id), None);
    b.connect();
    b.syn_ack(PLAIN);
    assert_eq!(b.state(), TcpState::Established);
}

#[test]
fn peek_and_discard() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"abcdefgh");
    let mut buf = [0; 4];
    assert_eq!(b.tcp.peek(b.id, 0, &mut buf), Ok(4));
    assert_eq!(&buf, b"abcd");
    assert_eq!(b.tcp.peek(b.id, 6, &mut buf), Ok(2));
    assert_eq!(&buf[..2], b"gh");
    assert_eq!(b.tcp.peek(b.id, 8, &mut buf), Err(Error::WouldBlock));
    assert_eq!(b.tcp.discard(b.now, b.id, 3), Ok(3));
    assert_eq!(b.tcp.recv_queued(b.id), 5);
    assert_eq!(b.recv(100).unwrap(), b"defgh");
}

/// Segments of every shape at every state: nothing panics, and the tables stay whole.
#[test]
fn nonsense_is_survived() {
    let mut x = 88_172_645_463_325_252u64;
    let mut next = move |n: u64| {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x % n
    };
    for round in 0..300 {
        let mut b = match round % 3 {
            0 => Bench::connected(MODERN),
            1 => Bench::connected(SACK),
            _ => Bench::accepted(MODERN).0,
        };
        b.below.tso = 65_000;
        b.send(&vec![1; 1 + next(60_000) as usize]);
        for _ in 0..60 {
            let flags = match next(6) {
                0 => Flags(next(256) as u8),
                1 => ACK | FIN,
                _ => ACK,
            };
            let payload = vec![0; next(3000) as usize];
            let seq = (next(8000) as u32).wrapping_sub(2000);
            let ack = (next(70_000) as u32).wrapping_sub(3000);
            let mut seg = b.segment(flags, seq, ack, &payload);
            seg.gso_size = [0, 1, 1448][next(3) as usize];
            seg.repr.window = next(65_536) as u16;
            let iss = b.iss;
            seg.repr.options.sack_blocks = (0..next(4))
                .map(|_| (SeqNumber(iss + next(60_000) as u32), SeqNumber(iss + next(60_000) as u32)))
                .collect();
            b.rx(seg);
            match next(8) {
                0 => drop(b.recv(next(5000) as usize)),
                1 => drop(b.tcp.send(b.now, b.id, &payload, false)),
                2 => drop(b.tcp.shutdown(b.now, b.id, Shutdown::Write)),
                3 => drop(b.advance(ms(next(400)))),
                4 => b.below.room = next(5) as usize,
                _ => {}
            }
            b.flush();
            b.below.room = usize::MAX;
        }
        b.tcp.close(b.now, b.id);
        b.advance(Duration::from_secs(2000));
        assert!(b.tcp.pending == 0 && b.tcp.timewaits.len() == 0);
    }
}

#[test]
fn what_an_idle_connection_takes_is_bounded() {
    use super::super::{Target, Tuple, socket};
    // The connection, cubic or reno included, its socket's slot and the entry of the table; the host adds some 100 bytes.
    let sizes = [size_of::<socket::Conn>(), size_of::<socket::Socket>(), size_of::<(Tuple, Target)>()];
    assert!(sizes.iter().sum::<usize>() <= 912, "{sizes:?}");
}

#[test]
fn an_idle_connection_gives_its_queues_back() {
    let mut b = Bench::connected(MODERN);
    for round in 0..3 {
        let at = round * 50_000;
        for i in 0..50 {
            b.peer(ACK, 1 + at + i * 1000, 1 + at, &[7; 1000]);
        }
        let mut sent = b.send(&[1; 50_000]) as u32;
        assert_eq!(b.recv(100_000).unwrap().len(), 50_000);
        while sent > 0 {
            let out: usize = b.flush().iter().map(|s| s.payload.len()).sum();
            sent -= out as u32;
            b.peer(ACK, 1 + at + 50_000, 1 + at + 50_000 - sent, &[]);
        }
        let kept = match &mut b.tcp.socks.get_mut(b.id.index).unwrap().body {
            Body::Conn(c) => {
                c.sendbuf.queue().capacity() + c.recvbuf.queue().capacity() + c.board.queue().capacity()
            }
            _ => usize::MAX,
        };
        assert_eq!(kept, 0);
    }
}

#[test]
fn sockets_with_the_same_settings_share_them() {
    let mut b = Bench::listening(4096);
    let listener = b.id;
    let mut ids = Vec::new();
    for port in 1..=100 {
        b.remote = port;
        b.client_syn(PLAIN);
        b.client_ack();
        let id = b.tcp.accept(listener).unwrap().0;
        b.id = id;
        b.options(|o| o.nodelay = true);
        ids.push(id);
    }
    let first: *const TcpOptions = b.tcp.options(ids[0]).unwrap();
    assert!(ids.iter().all(|id| std::ptr::eq(first, b.tcp.options(*id).unwrap())));
    // A change of one is not a change of the others.
    b.id = ids[7];
    b.options(|o| o.nodelay = false);
    assert!(!b.tcp.options(ids[7]).unwrap().nodelay && b.tcp.options(ids[8]).unwrap().nodelay);
    assert!(!b.tcp.options(listener).unwrap().nodelay);
}

/// A connection that we close first: TIME_WAIT is ours.
fn connect_and_close(b: &mut Bench) {
    b.id = b.tcp.open();
    b.connect();
    b.syn_ack(MODERN);
    b.flush();
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(FIN | ACK, 1, 2, &[]);
    assert_eq!(b.flush()[0].repr.flags, ACK);
}

#[test]
fn every_port_is_used_then_time_wait_is_taken_over() {
    const PORTS: u64 = 60_999 - 32_768 + 1;
    let mut b = Bench::new();
    for _ in 0..PORTS {
        connect_and_close(&mut b);
    }
    assert!(b.tcp.ports.looks < 40 * PORTS, "{}", b.tcp.ports.looks);
    // All in TIME_WAIT, none for a second yet: EADDRNOTAVAIL, as on Linux. To find that out again costs nothing.
    b.id = b.tcp.open();
    let peer = b.peer_addr();
    assert_eq!(b.tcp.connect(b.now, b.id, peer, US, 1500), Err(Error::AddrNotAvailable));
    let looks = b.tcp.ports.looks;
    for _ in 0..1000 {
        assert_eq!(b.tcp.connect(b.now, b.id, peer, US, 1500), Err(Error::AddrNotAvailable));
    }
    assert_eq!(b.tcp.ports.looks, looks);
    // Another destination has ports of its own.
    let other = SocketAddrV4::new(PEER, 81);
    let id = b.tcp.open();
    assert_eq!(b.tcp.connect(b.now, id, other, US, 1500), Err(Error::InProgress));
    b.tcp.abort(b.now, id);
    b.advance(ms(1001));
    let looks = b.tcp.ports.looks;
    for _ in 0..1000 {
        let before = (b.tcp.timewaits.len(), b.iss);
        connect_and_close(&mut b);
        assert_eq!(b.tcp.timewaits.len(), before.0);
    }
    assert!(b.tcp.ports.looks - looks <= 40 * 1000, "{}", b.tcp.ports.looks - looks);
    // After a minute nothing is left.
    b.advance(ms(61_000));
    assert_eq!((b.tcp.timewaits.len(), b.tcp.demux.len(), b.tcp.poll_timeout()), (0, 0, None));
}

#[test]
fn a_connection_that_takes_time_wait_over_begins_beyond_it() {
    let mut b = Bench::new();
    let local = SocketAddrV4::new(US, 40_000);
    b.options(|o| o.reuseaddr = true);
    b.tcp.bind(b.id, local).unwrap();
    b.connect();
    b.syn_ack(MODERN);
    b.flush();
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(FIN | ACK, 1, 2, &[]);
    b.flush();
    let old = b.iss;
    b.id = b.tcp.open();
    b.options(|o| o.reuseaddr = true);
    b.tcp.bind(b.id, local).unwrap();
    b.advance(ms(900));
    let peer = b.peer_addr();
    assert_eq!(b.tcp.connect(b.now, b.id, peer, US, 1500), Err(Error::AddrNotAvailable));
    b.advance(ms(200));
    b.connect();
    // SND.NXT was behind SYN and FIN.
    assert_eq!(b.iss.wrapping_sub(old), 2 + 65_537);
    assert_eq!(b.tcp.timewaits.len(), 0);
    b.syn_ack(MODERN);
    assert_eq!(b.state(), TcpState::Established);
}

#[test]
fn without_timestamps_time_wait_is_not_taken_over() {
    let mut b = Bench::new();
    let local = SocketAddrV4::new(US, 40_000);
    b.options(|o| o.reuseaddr = true);
    b.tcp.bind(b.id, local).unwrap();
    b.connect();
    b.syn_ack(PLAIN);
    b.flush();
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(FIN | ACK, 1, 2, &[]);
    b.flush();
    b.id = b.tcp.open();
    b.options(|o| o.reuseaddr = true);
    b.tcp.bind(b.id, local).unwrap();
    b.advance(ms(50_000));
    let peer = b.peer_addr();
    assert_eq!(b.tcp.connect(b.now, b.id, peer, US, 1500), Err(Error::AddrNotAvailable));
    b.advance(ms(11_000));
    b.connect();
}

#[test]
fn what_a_syn_ack_brings_need_not_wait_for_other_frames() {
    let mut b = Bench::listening(5);
    b.peer(SYN, 0, 0, &[]);
    assert!(b.tcp.ack_overdue());
    assert_eq!(b.flush()[0].repr.flags, SYN | ACK);
    assert!(!b.tcp.ack_overdue());
}
