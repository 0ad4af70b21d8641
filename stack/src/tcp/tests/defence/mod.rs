//! What strangers and unkind peers may not do: RFC 5961, RFC 7323 (PAWS), limits on memory.

use super::*;

mod a_blind_syn_learns_nothing;
mod a_full_memory_is_no_room;
mod a_reset_must_be_exact;
mod a_segment_beyond_the_first_window_opens_nothing;
mod a_tiny_mss_is_not_believed;
mod acknowledgements_must_be_plausible;
mod all_connections_together_are_bounded;
mod an_echo_that_we_never_sent;
mod an_orphan_is_not_kept_by_a_closed_window;
mod each_connection_answers_twice_a_second;
mod memory_beyond_a_gap_is_bounded;
mod old_timestamps_are_dropped;
mod the_challenge_budget_is_drawn;
mod the_largest_window_counts_scaled;
mod the_timestamp_clock;
mod timestamps_are_in_every_segment;
mod tiny_segments_beyond_a_gap_join;
mod tiny_segments_in_order_take_little;
mod tiny_windows_cost_few_packets;
mod which_timestamp_is_kept;
mod without_ack_nothing_is_taken;

/// Memory that the connection's receive queue pins, bytes.
fn memory(b: &Bench) -> usize {
    match &b.tcp.sock(b.id).unwrap().body {
        crate::tcp::socket::Body::Conn(conn) => conn.recvbuf.memory(),
        _ => 0,
    }
}
