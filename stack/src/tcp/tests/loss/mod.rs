//! Loss and recovery: RFC 6298, RFC 5681, RFC 6582, RFC 6675, RFC 3522.

use super::*;

mod a_large_frame_is_retransmitted_in_part;
mod a_lost_retransmission_is_repeated;
mod a_reneging_peer;
mod a_spurious_timeout_is_undone;
mod a_timeout_starts_over;
mod a_window_that_closes_over_data_in_flight;
mod dupacks_with_data_or_a_new_window_do_not_count;
mod fifteen_retransmissions_are_the_end;
mod icmp_explains_a_timeout;
mod icmp_is_told_at_once_to_whom_asked;
mod newreno_without_sack;
mod no_round_trip_time_from_a_retransmission;
mod sack_recovery;
mod the_timer_backs_off_and_starts_anew;
mod user_timeout;

/// Ten segments of 1000 bytes are in flight.
fn in_flight(peer: Peer) -> Bench {
    let mut b = Bench::connected(peer);
    b.send(&[1; 30_000]);
    assert_eq!(b.sent().len(), 10);
    b
}
