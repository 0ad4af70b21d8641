//! The windows of both sides: RFC 9293 section 3.8.6, silly windows, probes, RFC 7323 scaling.

use super::*;

fn window(s: &Sent, shift: u8) -> u32 {
    u32::from(s.repr.window) << shift
}

/// RFC 9293 section 3.8.6.1: the probe backs off, and never gives up on a peer that answers.
#[test]
fn zero_window_probes() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    b.silent();
    let start = b.now;
    let mut at = Vec::new();
    for _ in 0..8 {
        let due = b.tcp.poll_timeout().unwrap();
        let sent = b.advance(due.since(b.now));
        let sent = if sent.is_empty() { b.advance(ms(1)) } else { sent };
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].repr.seq.0, sent[0].payload.len()), (b.iss, 0));
        at.push(sent[0].at.since(start).as_millis());
        b.peer(ACK, 1, 1, &[]);
    }
    let gaps: Vec<_> = at.windows(2).map(|w| w[1] - w[0]).collect();
    assert!((200..=230).contains(&at[0]), "{at:?}");
    assert!(gaps.windows(2).all(|g| g[1] == g[0] * 2), "{gaps:?}");
    b.peer_window = 5000;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 7)]);
}

#[test]
fn a_peer_that_answers_no_probe_is_given_up() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"waiting");
    b.advance(Duration::from_secs(3000));
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}

#[test]
fn a_lost_window_update_does_not_stall() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(&[1; 3000]);
    b.advance(ms(300));
    // The update was lost; the answer to the probe brings it.
    b.peer_window = 10_000;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.sent().len(), 3);
}

/// RFC 9293 section 3.8.6.2.1.
#[test]
fn the_sender_does_not_fill_a_silly_window() {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 300;
    b.peer(ACK, 1, 1, &[]);
    b.send(&[1; 5000]);
    b.silent();
    // After a while, what fits is sent.
    let sent = b.advance(ms(300));
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].payload.len(), 300);
}

#[test]
fn a_tiny_peer_gets_half_its_window() {
    let tiny = Peer { window: 600, ..PLAIN };
    let mut b = Bench::connected(tiny);
    b.send(&[1; 900]);
    assert_eq!(b.sent(), vec![(ACK, 1, 300), (ACK, 301, 300)]);
    b.peer(ACK, 1, 301, &[]);
    assert_eq!(b.sent(), vec![(ACK | PSH, 601, 300)]);
}

#[test]
fn the_window_is_respected() {
    let narrow = Peer { window: 3500, ..PLAIN };
    let mut b = Bench::connected(narrow);
    b.send(&[1; 9000]);
    assert_eq!(b.sent().len(), 3);
    b.peer(ACK, 1, 2001, &[]);
    // 3500 from 2001: up to 5501; 3001 is next.
    assert_eq!(b.sent().len(), 2);
}

#[test]
fn a_scaled_window() {
    let mut b = Bench::connected(MODERN);
    b.peer_window = 100;
    b.peer(ACK, 1, 1, &[]);
    assert_eq!(b.info().snd_wnd, 12_800);
}

/// An old segment must not take a window update back.
#[test]
fn an_older_segment_does_not_shrink_the_window() {
    let mut b = Bench::connected(PLAIN);
    b.peer(ACK, 1, 1, b"abc");
    b.peer_window = 100;
    b.peer(ACK, 1, 1, b"abc");
    assert_eq!(b.info().snd_wnd, 60_000);
}

#[test]
fn our_window_closes_and_opens_without_silliness() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(20_000)));
    let mut seq = 1;
    let mut last = 20_000;
    while last >= 1000 {
        b.peer(ACK, seq, 1, &[9; 1000]);
        seq += 1000;
        for s in b.advance(ms(50)) {
            last = window(&s, 0);
        }
    }
    assert!(seq >= 18_000, "{seq}");
    // More than the window: dropped, and said so.
    b.peer(ACK, seq, 1, &[9; 3000]);
    assert_eq!(b.counters.tcp_beyond_window, 1);
    assert!(b.flush().last().unwrap().repr.ack.0 - b.irs >= seq);
    b.advance(ms(50));
    // A few bytes read: nothing to say. Half the buffer: a window update.
    b.recv(500).unwrap();
    b.silent();
    let mut read = 500;
    let update = loop {
        read += b.recv(1000).unwrap().len();
        if let Some(s) = b.flush().pop() {
            break s;
        }
    };
    assert!(window(&update, 0) >= 1000 && read <= 12_000, "{read}");
}

#[test]
fn the_right_edge_never_moves_left() {
    let mut b = Bench::connected_with(MODERN, |b| b.options(|o| o.rcvbuf = Some(100_000)));
    let mut seq = 1;
    let mut edge = 0;
    let mut lcg = 12345u32;
    for _ in 0..2000 {
        lcg = lcg.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let n = 1 + lcg as usize % 1448;
        let room = b.info().rcv_wnd as usize;
        if n <= room {
            b.peer(ACK, seq, 1, &vec![0; n]);
            seq += n as u32;
        }
        if lcg & 0x30_0000 == 0 {
            let _ = b.recv(lcg as usize % 60_000);
        }
        for s in b.advance(ms(1)) {
            let e = s.repr.ack.0 - b.irs + window(&s, 7);
            assert!(e >= edge, "{e} < {edge}");
            edge = e;
        }
    }
    assert_eq!(b.counters.tcp_beyond_window, 0);
}

/// A closed window takes a probe's ACK and FIN-less data nothing.
#[test]
fn a_zero_window_of_ours_still_takes_acks() {
    let mut b = Bench::connected_with(PLAIN, |b| b.options(|o| o.rcvbuf = Some(4000)));
    let mut seq = 1;
    while b.info().rcv_wnd > 0 {
        let n = b.info().rcv_wnd.min(1000);
        b.peer(ACK, seq, 1, &vec![1; n as usize]);
        seq += n;
        b.advance(ms(50));
    }
    b.send(b"hello");
    b.flush();
    b.peer(ACK, seq, 6, b"x");
    assert_eq!(b.tcp.send_queued(b.id), 0);
    assert_eq!(b.tcp.recv_queued(b.id) as u32, seq - 1);
}

#[test]
fn the_window_grows_with_a_fast_reader() {
    let mut b = Bench::connected(MODERN);
    let mut seq = 1u32;
    for _ in 0..400 {
        let mut left = b.info().rcv_wnd as usize;
        while left >= 1448 {
            let n = left.min(43_440);
            b.ts_peer += 1;
            let mut seg = b.segment(ACK, seq, 1, &vec![1; n]);
            seg.gso_size = 1448;
            b.rx(seg);
            seq = seq.wrapping_add(n as u32);
            left -= n;
        }
        b.flush();
        while b.recv(1 << 20).is_ok() {}
        b.advance(ms(10));
    }
    assert!(b.info().rcv_wnd > 4_000_000, "{}", b.info().rcv_wnd);
}
