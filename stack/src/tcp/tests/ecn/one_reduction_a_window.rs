//! RFC 3168 section 6.1.2: an echo is answered as a loss would be, once a window of data.

use super::*;

#[test]
fn the_window_halves_once_and_nothing_is_sent_again() {
    let mut b = connected(SACK);
    b.send(&[1; 60_000]);
    assert_eq!(b.sent().len(), 10);
    let before = b.info().cwnd;
    for n in 1..=10 {
        b.peer(ACK | ECE, 1, 1 + n * 1000, &[]);
        assert!(b.flush().iter().all(|s| s.repr.seq.0 >= b.iss + 10_001), "nothing was lost");
    }
    let info = b.info();
    assert!((before / 2 - 1000..=before / 2 + 1000).contains(&info.cwnd), "{before} became {}", info.cwnd);
    assert_eq!((info.total_retrans, b.counters.tcp_ecn_echoes_in), (0, 10));
}

#[test]
fn the_next_window_may_be_reduced_again() {
    let mut b = connected(SACK);
    b.send(&[1; 60_000]);
    assert_eq!(b.sent().len(), 10);
    let mut acked = 1;
    let mut windows = Vec::new();
    for _ in 0..2 {
        // All that is in flight, and what is sent meanwhile: one window after the other.
        let end = acked + b.info().bytes_in_flight;
        while acked < end {
            acked += 1000;
            b.peer(ACK | ECE, 1, acked, &[]);
            b.flush();
        }
        acked += 1000;
        b.peer(ACK, 1, acked, &[]);
        b.flush();
        windows.push(b.info().ssthresh);
    }
    assert!(windows[1] < windows[0] && windows[0] <= 5000, "{windows:?}");
}

#[test]
fn a_window_of_one_segment_is_not_reduced_to_nothing() {
    let mut b = connected(SACK);
    let mut acked = 1;
    for _ in 0..20 {
        b.send(&[1; 1000]);
        assert!(!b.flush().is_empty(), "the connection does not stand still");
        acked += 1000;
        b.peer(ACK | ECE, 1, acked, &[]);
        b.flush();
    }
    assert!(b.info().cwnd >= 1000);
}
