//! RFC 3168 section 6.1.2 with RFC 5681 section 3.1: a mark halves the window, and what was in flight is what was before the acknowledgement;
//! one that echoes a mark of nothing in flight reduces nothing (Linux: tcp_ack, no_queue).

use super::ecn_and_loss::connected;
use super::*;

#[test]
fn it_halves_the_window_although_everything_has_arrived() {
    let mut b = connected();
    b.peer(ACK | Flags::ECE, 1, 10_001, &[]);
    b.flush();
    let info = b.info();
    assert_eq!((info.recovery, info.ssthresh), (2, 5000));
}

#[test]
fn nothing_in_flight_met_no_congestion() {
    let mut b = connected();
    for _ in 0..3 {
        let end = b.info().bytes_acked as u32 + 1 + b.info().bytes_in_flight;
        b.peer(ACK, 1, end, &[]);
        b.flush();
        b.now = b.now + ms(10);
    }
    assert_eq!((b.info().bytes_in_flight, b.info().bytes_acked), (0, 30_000));
    let before = b.info().cwnd;
    b.peer(ACK | Flags::ECE, 1, 30_001, &[1; 10]);
    b.flush();
    let info = b.info();
    assert_eq!((info.recovery, info.ssthresh, info.cwnd), (0, u32::MAX, before));
}
