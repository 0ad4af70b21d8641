//! Closing: RFC 9293 sections 3.6 and 3.10.4, RFC 1122 section 4.2.2.13, orphans.

use super::*;

mod a_bare_fin_beyond_a_gap;
mod a_fin_before_the_data_waits_for_it;
mod a_held_socket_in_fin_wait_2_waits;
mod a_reset_ends_every_closing_state;
mod an_orphan_gives_up_sooner;
mod an_orphan_in_fin_wait_2_is_given_60_seconds;
mod close_in_syn_sent_is_silent;
mod crossing_fins_read_in_one_batch_are_acknowledged;
mod data_after_close_is_reset;
mod data_flows_after_either_half_is_closed;
mod fin_and_its_ack_in_one_segment;
mod fin_is_retransmitted;
mod last_ack_repeats_the_fin_and_gives_up;
mod linger2_says_how_long_fin_wait_2_lasts;
mod linger_zero_makes_close_a_reset;
mod shutdown_states;
mod simultaneous_close;
mod the_peer_closes_first;
mod too_many_orphans_are_reset;
mod unread_data_makes_close_a_reset;
mod we_close_first;

pub(super) fn shut(b: &mut Bench, how: Shutdown) {
    b.tcp.shutdown(b.now, b.id, how).unwrap();
}
