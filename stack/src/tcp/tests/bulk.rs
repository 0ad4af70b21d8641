//! Bulk transfer: small writes that make large frames, chunks that become part of the send buffer, buffers that grow with the
//! path.

use super::super::output::GATHER_FROM;
use super::*;

/// A connection with `rtt` to the peer and a congestion window of some 400 kB, nothing under way.
/// Answers the next sequence number too.
fn warm(rtt: Duration) -> (Bench, u32) {
    let mut b = Bench::new();
    b.below.tso = 65_415;
    b.connect();
    b.now = b.now + rtt;
    b.syn_ack(Peer { window: 65_535, ..MODERN });
    b.flush();
    let mut next = 1;
    for _ in 0..6 {
        b.tcp.send(b.now, b.id, &[0; 400_000], false).unwrap_or(0);
        let sent = b.flush();
        next += sent.iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + rtt;
        b.peer(ACK, 1, next, &[]);
        // What the window held back.
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + rtt;
        b.peer(ACK, 1, next, &[]);
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
    }
    b.now = b.now + rtt;
    b.peer(ACK, 1, next, &[]);
    b.silent();
    assert!(b.info().cwnd > 400_000, "{}", b.info().cwnd);
    assert_eq!(b.info().notsent, 0);
    (b, next)
}

const NEAR: Duration = Duration::from_micros(50);

fn sizes(sent: &[Sent]) -> Vec<usize> {
    sent.iter().map(|s| s.payload.len()).collect()
}

#[test]
fn small_writes_make_full_frames_while_much_is_under_way() {
    let (mut b, next) = warm(NEAR);
    // Nothing is under way: at once, and so are the next, though there is less and less reason for it.
    let mut frames = 0;
    let mut written = 0u32;
    while b.info().bytes_in_flight < GATHER_FROM {
        b.send(&[1; 1448]);
        written += 1448;
        let sent = b.flush();
        assert_eq!(sizes(&sent), [1448]);
        frames += 1;
    }
    assert_eq!(frames, GATHER_FROM.div_ceil(1448));
    // Now they gather, up to a full frame.
    let full = 65_415 / 1448 * 1448;
    let mut gathered = 0;
    while gathered + 1448 < full {
        b.send(&[2; 1448]);
        gathered += 1448;
        b.silent();
    }
    b.send(&[2; 1448]);
    assert_eq!(sizes(&b.flush()), [full]);
    written += full as u32;
    b.send(&[3; 1448]);
    b.silent();
    // An acknowledgement that leaves as much under way changes nothing; one that leaves less lets it go.
    b.peer(ACK, 1, next + 1448, &[]);
    b.silent();
    b.peer(ACK, 1, next + written - 60_000, &[]);
    assert_eq!(sizes(&b.flush()), [1448]);
}

#[test]
fn what_ends_gathering() {
    // TCP_NODELAY, a path that is not near, one large write, a blocking call's end, the end of the stream.
    let all_under_way = |b: &mut Bench| {
        b.send(&[1; 200_000]);
        let sent = b.flush();
        assert_eq!(sent.iter().map(|s| s.payload.len()).sum::<usize>(), 200_000, "{:?}", sizes(&sent));
    };
    let (mut b, _) = warm(NEAR);
    all_under_way(&mut b);
    b.options(|o| o.nodelay = true);
    b.send(&[1; 100]);
    assert_eq!(sizes(&b.flush()), [100]);

    let (mut b, _) = warm(ms(5));
    all_under_way(&mut b);
    b.send(&[1; 1448]);
    assert_eq!(sizes(&b.flush()), [1448]);

    let (mut b, _) = warm(NEAR);
    all_under_way(&mut b);
    b.send(&[1; 1448]);
    b.silent();
    b.tcp.end_send(b.now, b.id);
    assert_eq!(sizes(&b.flush()), [1448]);

    let (mut b, _) = warm(NEAR);
    all_under_way(&mut b);
    b.send(&[1; 100]);
    b.silent();
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    let sent = b.flush();
    assert_eq!(sizes(&sent), [100]);
    assert!(sent[0].repr.flags.contains(FIN));
}

#[test]
fn a_chunk_is_sent_without_a_copy_and_takes_its_turn() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_415);
    b.tcp.send(b.now, b.id, b"head", true).unwrap();
    let mut chunk = b.tcp.take_chunk(10_000);
    assert!(chunk.len() >= 10_000);
    chunk[..10_000].fill(9);
    let at = chunk.as_ptr();
    assert_eq!(b.tcp.send_chunk(b.now, b.id, chunk, 10_000, false), Ok(10_000));
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!(&sent[0].payload[..4], b"head");
    assert!(sent[0].payload.len() == 10_004 && sent[0].payload[4..].iter().all(|n| *n == 9));
    // Nothing read, and errors: the memory goes back.
    let chunk = b.tcp.take_chunk(10_000);
    assert_eq!(chunk.as_ptr(), at);
    assert_eq!(b.tcp.send_chunk(b.now, b.id, chunk, 0, false), Ok(0));
    b.tcp.shutdown(b.now, b.id, Shutdown::Write).unwrap();
    let chunk = b.tcp.take_chunk(10_000);
    assert_eq!(chunk.as_ptr(), at);
    assert_eq!(b.tcp.send_chunk(b.now, b.id, chunk, 100, false), Err(Error::BrokenPipe));
    let chunk = b.tcp.take_chunk(10_000);
    assert_eq!(chunk.as_ptr(), at);
}

/// Who asks for room and finds none is told when there is some, as who sent and was refused.
#[test]
fn asking_for_room_is_enough_to_be_told() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| o.sndbuf = Some(5000));
    assert_eq!(b.tcp.send_space(b.id), Ok(5000));
    assert_eq!(b.send(&[1; 5000]), 5000);
    b.flush();
    b.events();
    assert_eq!(b.tcp.send_space(b.id), Ok(0));
    b.peer(ACK, 1, 5001, &[]);
    assert!(b.events().iter().any(|(_, edges)| edges.contains(Readiness::OUT)));
}

/// Linux's `tcp_sndbuf_expand`: room for twice the congestion window, between 128 kB and 4 MB.
#[test]
fn the_send_buffer_grows_with_the_window() {
    let mut b = Bench::connected_with(MODERN, |b| b.below.tso = 65_415);
    assert_eq!(b.tcp.send_space(b.id), Ok(128 << 10));
    b.peer_window = u16::MAX;
    let mut next = 1u32;
    let mut most = 0;
    for _ in 0..12 {
        let cwnd = b.info().cwnd as usize;
        while b.tcp.send(b.now, b.id, &[0; 1 << 20], false).is_ok() {}
        let held = b.tcp.send_queued(b.id);
        assert!(held >= (2 * cwnd).clamp(128 << 10, 4 << 20) && held <= 4 << 20, "{held} for {cwnd}");
        most = most.max(held);
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + ms(40);
        b.peer(ACK, 1, next, &[]);
        next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
        b.now = b.now + ms(40);
        b.peer(ACK, 1, next, &[]);
    }
    assert_eq!(most, 4 << 20);
    b.options(|o| o.sndbuf = Some(10_000));
    next += b.flush().iter().map(|s| s.payload.len()).sum::<usize>() as u32;
    b.peer(ACK, 1, next, &[]);
    assert!(b.tcp.send_space(b.id).unwrap() <= 10_000, "SO_SNDBUF ends it");
}

#[test]
fn received_frames_are_shown_without_a_copy() {
    let mut b = Bench::connected(MODERN);
    let frame = std::sync::Arc::new((0..60_000u32).map(|n| n as u8).collect::<Vec<_>>());
    let mut seg = b.segment(ACK, 1, 1, &[]);
    seg.payload = Buf::from_arc(std::sync::Arc::clone(&frame), 54, 60_000);
    seg.gso_size = 1448;
    b.rx(seg);
    b.peer(ACK | PSH, 59_947, 1, b"tail");
    let mut seen = Vec::new();
    let took = b.tcp.recv_with(b.now, b.id, 1 << 20, &mut |slices| {
        assert_eq!(slices[0].as_ptr(), frame[54..].as_ptr());
        seen = slices.concat();
        50_000
    });
    assert_eq!(took, Ok(50_000));
    assert_eq!((&seen[..59_946], &seen[59_946..]), (&frame[54..], &b"tail"[..]));
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |s| s.concat().len()), Ok(10));
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |_| 0), Ok(0));
    assert_eq!(b.recv(100_000).unwrap(), seen[50_010..]);
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |_| 1), Err(Error::WouldBlock));
    b.peer(ACK | FIN, 59_951, 1, &[]);
    assert_eq!(b.tcp.recv_with(b.now, b.id, 10, &mut |_| 1), Ok(0));
}
