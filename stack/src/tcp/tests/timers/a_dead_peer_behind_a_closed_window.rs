//! Linux's `tcp_rtx_probe0_timed_out`: a window that closed over data under way makes the repetitions window probes; a peer that
//! answers none of them for twice the largest time-out is gone, sooner than tcp_retries2 would have it.

use super::*;

#[test]
fn four_minutes_without_an_answer_are_the_end() {
    let mut b = Bench::connected(PLAIN);
    b.send(&[1; 3000]);
    b.flush();
    b.peer_window = 0;
    b.peer(ACK, 1, 1001, &[]);
    b.flush();
    let last = b.now;
    while b.state() != TcpState::Closed && b.now.since(last) < Duration::from_secs(1200) {
        b.advance(ms(500));
    }
    let waited = b.now.since(last).as_secs();
    // The first time-out that comes later than 240 s.
    assert!((240..=365).contains(&waited), "{waited}");
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}
