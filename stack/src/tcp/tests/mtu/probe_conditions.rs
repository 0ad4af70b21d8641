//! Linux's `tcp_mtu_probe`: a probe goes when its loss would be noticed and does no harm: enough data behind it, window for that, a
//! congestion window of 11 segments, nothing lost.

use super::*;

/// After an outage, with a window of many segments and everything acknowledged.
fn ready() -> (Bench, Hole) {
    let (mut b, mut hole) = fallen_with(14_600, 0);
    b.options(|o| o.nodelay = true);
    hole.limit = 1064;
    for _ in 0..200 {
        // As much as the window takes, but never enough at once for a probe and its followers.
        let mut sent = b.flush();
        while b.info().notsent == 0 && b.info().cwnd < 12 * 1024 {
            b.send(&[1; 2048]);
            sent.extend(b.flush());
        }
        if sent.is_empty() {
            hole.run(&mut b, 1);
        } else {
            hole.take(&mut b, &sent);
        }
        if b.info().bytes_in_flight == 0 && b.info().notsent == 0 {
            break;
        }
    }
    assert_eq!((b.info().bytes_in_flight, b.info().notsent), (0, 0));
    assert!(b.info().cwnd >= 11 * 1024);
    assert_eq!(b.counters.tcp_mtu_probes, 0, "too little data for a probe");
    (b, hole)
}

/// Bytes of a probe and its followers.
fn needed(b: &Bench) -> usize {
    1460 + 4 * b.info().snd_mss as usize
}

#[test]
fn enough_data_must_follow() {
    let (mut b, _) = ready();
    let (needed, mss) = (needed(&b), b.info().snd_mss as usize);
    b.send(&vec![1; needed]);
    let sent = b.flush();
    assert_eq!(sent[0].payload.len(), 1460);
    assert_eq!(sent[0].gso, None);
    assert!(sent[1..].iter().all(|s| s.payload.len() <= mss), "one probe at a time");
    assert_eq!(b.counters.tcp_mtu_probes, 1);
}

#[test]
fn a_byte_less_is_not_enough() {
    let (mut b, _) = ready();
    let (needed, mss) = (needed(&b), b.info().snd_mss as usize);
    b.send(&vec![1; needed - 1]);
    assert!(b.flush().iter().all(|s| s.payload.len() <= mss));
    assert_eq!(b.counters.tcp_mtu_probes, 0);
}

#[test]
fn the_peers_window_must_have_room_for_it() {
    let (mut b, hole) = ready();
    let (needed, mss) = (needed(&b), b.info().snd_mss as usize);
    b.peer_window = u16::try_from((needed - 1) / 128).unwrap();
    // A smaller window counts with newer data only.
    b.peer(ACK, 1, hole.next, &[1; 10]);
    b.peer(ACK, 11, hole.next, &[1; 10]);
    b.send(&[1; 20_000]);
    assert!(b.flush().iter().all(|s| s.payload.len() <= mss));
    assert_eq!(b.counters.tcp_mtu_probes, 0);
}
