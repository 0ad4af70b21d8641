//! Linux's tcp_ack (FLAG_WIN_UPDATE for a window of zero): a peer that has closed its window answers what it cannot take; those answers are no
//! duplicates that tell of a loss.

use super::*;

#[test]
fn no_fast_retransmit_into_it() {
    let mut b = in_flight(PLAIN);
    b.peer_window = 0;
    for _ in 0..8 {
        b.peer(ACK, 1, 1, &[]);
        b.silent();
    }
    assert_eq!((b.counters.tcp_fast_recoveries, b.info().recovery), (0, 0));
}
