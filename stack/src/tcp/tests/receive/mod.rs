//! The receiver: acknowledgements, windows, receive auto-tuning (RFC 9293 section 3.8.6, RFC 5681 section 4.2, RFC 7323).

use super::*;

mod a_batch_of_frames_costs_one_acknowledgement;
mod a_duplicate_is_reported_once;
mod a_far_peer_hears_more;
mod a_fin_among_data_out_of_order;
mod a_frame_of_many_segments_counts_as_many;
mod a_gap_is_acknowledged_at_once_with_sack;
mod a_lost_window_update_does_not_stall;
mod a_message_that_was_read_is_acknowledged;
mod a_peer_that_answers_no_probe_is_given_up;
mod a_scaled_window;
mod a_single_segment_waits_40_ms;
mod a_tiny_peer_gets_half_its_window;
mod a_zero_window_of_ours_still_takes_acks;
mod an_older_segment_does_not_shrink_the_window;
mod any_segments_in_any_order;
mod data_carries_the_acknowledgement;
mod each_delivery_is_an_edge;
mod every_block_of_a_burst_is_told;
mod one_who_answers_acknowledges_the_second_message;
mod our_window_closes_and_opens_without_silliness;
mod overlapping_segments_are_trimmed;
mod paws;
mod quickack_option;
mod scaling_needs_both_sides;
mod segments_around_a_closed_window;
mod segments_beyond_a_gap_are_answered_with_duplicates;
mod the_first_segments_are_acknowledged_at_once;
mod the_host_is_told_when_128_kb_are_not_acknowledged;
mod the_receiver_measures_the_round_trip;
mod the_right_edge_never_moves_left;
mod the_send_buffer_of_a_far_peer;
mod the_sender_does_not_fill_a_silly_window;
mod the_shift_is_chosen_for_the_largest_window;
mod the_window_grows_only_for_a_reader;
mod the_window_grows_with_a_fast_reader;
mod the_window_is_no_limit_over_a_long_path;
mod the_window_is_respected;
mod two_segments_are_acknowledged_at_once;
mod zero_window_probes;

/// Uses up the quick acknowledgements of the beginning.
fn settled(peer: Peer) -> (Bench, u32) {
    let mut b = Bench::connected(peer);
    let mut seq = 1;
    for _ in 0..20 {
        b.peer(ACK, seq, 1, &[7; 1000]);
        b.flush();
        seq += 1000;
    }
    b.advance(ms(50));
    while b.recv(100_000).is_ok() {}
    b.flush();
    (b, seq)
}

fn window(s: &Sent, shift: u8) -> u32 {
    u32::from(s.repr.window) << shift
}
