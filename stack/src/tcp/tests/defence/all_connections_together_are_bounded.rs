//! The memory of all connections has a limit (Linux: tcp_mem). Near it windows stay small and what lies beyond gaps goes; at it
//! a connection that holds something takes nothing more until that is read, and one that holds nothing goes on.

use super::*;

/// Turns to the `i`th connection.
fn turn(b: &mut Bench, ids: &[(SocketId, u32)], i: usize) -> SocketId {
    (b.id, b.iss) = ids[i];
    b.remote = 10_000 + i as u16;
    b.id
}

/// Connections to a listener, all accepted, and their first sequence numbers.
fn many(n: u16, limit: usize) -> (Bench, Vec<(SocketId, u32)>) {
    let mut b = Bench::listening(4096);
    b.tcp.memory.set_limit(limit);
    let listener = b.id;
    let ids = (0..n)
        .map(|i| {
            b.remote = 10_000 + i;
            b.id = listener;
            b.client_syn(SACK);
            b.client_ack();
            (b.tcp.accept(listener).unwrap().0, b.iss)
        })
        .collect();
    (b, ids)
}

#[test]
fn unread_data() {
    let limit = 1 << 20;
    let (mut b, ids) = many(100, limit);
    // Nobody reads. Each peer fills the window that it has, as long as it has one.
    for round in 0..60 {
        for i in 0..ids.len() {
            turn(&mut b, &ids, i);
            let i = b.info();
            let n = i.rcv_wnd.min(1000);
            b.peer(ACK, 1 + i.bytes_received as u32, 1, &vec![1; n as usize]);
            b.flush();
        }
        assert!(b.tcp.memory.held() <= limit + 100 * 2048, "{} in round {round}", b.tcp.memory.held());
    }
    assert!(b.counters.tcp_memory_dropped > 0);
    // Each got something.
    for (id, _) in &ids {
        assert!(b.tcp.recv_queued(*id) > 0);
    }
    // One reads, and goes on; so do the others, one after the other.
    for i in 0..ids.len() {
        let id = turn(&mut b, &ids, i);
        let before = b.info().bytes_received as u32;
        assert_eq!(id, b.id);
        b.recv(1 << 20).unwrap();
        b.peer(ACK, 1 + before, 1, b"more");
        assert_eq!(b.recv(10).unwrap(), b"more");
        b.flush();
    }
    assert_eq!(b.tcp.memory.held(), 0);
}

#[test]
fn data_beyond_gaps() {
    let limit = 1 << 20;
    let (mut b, ids) = many(100, limit);
    for round in 0..40u32 {
        for i in 0..ids.len() {
            turn(&mut b, &ids, i);
            b.peer(ACK, 1001 + round * 1001, 1, &[1; 1000]);
            b.flush();
        }
        assert!(b.tcp.memory.held() <= limit + 2048, "{} in round {round}", b.tcp.memory.held());
    }
    assert!(b.counters.tcp_memory_dropped > 0);
    for (id, _) in ids {
        b.tcp.abort(b.now, id);
    }
    assert_eq!(b.tcp.memory.held(), 0);
}

#[test]
fn windows_are_small_near_the_limit() {
    let (mut b, ids) = many(20, 1 << 20);
    let mut last = Vec::new();
    for i in 0..ids.len() {
        let id = turn(&mut b, &ids, i);
        for _ in 0..35 {
            let seq = 1 + b.tcp.recv_queued(id) as u32;
            b.peer(ACK, seq, 1, &[1; 1000]);
            b.advance(ms(50));
        }
        last.push(b.info().rcv_wnd);
    }
    // The right edge stays where it was announced; it does not move on.
    assert!(last[..10].iter().all(|w| *w > 60_000), "{last:?}");
    assert!(last[18..].iter().all(|w| *w <= 33_000), "{last:?}");
    assert_eq!(b.counters.tcp_memory_dropped, 0);
}

#[test]
fn data_to_send() {
    let limit = 1 << 20;
    let (mut b, ids) = many(100, limit);
    let mut taken = 0;
    for i in 0..ids.len() {
        let id = turn(&mut b, &ids, i);
        while let Ok(n) = b.tcp.send(b.now, id, &[1; 16_384], false) {
            assert!(n > 0);
            taken += n;
        }
        b.flush();
        assert!(b.tcp.send_queued(id) > 0, "everybody may send a little");
    }
    assert!(taken <= limit + 128 * 1024 + 100 * 4096, "{taken}");
    b.events();
    // What is acknowledged tells of room.
    let id = turn(&mut b, &ids, 99);
    let queued = b.tcp.send_queued(id) as u32;
    b.peer(ACK, 1, 1 + queued, &[]);
    assert!(b.events().iter().any(|e| e.0 == id && e.1.contains(Readiness::OUT)));
    assert_eq!(b.tcp.send(b.now, id, &[1; 16_384], false), Ok(4096));
}
