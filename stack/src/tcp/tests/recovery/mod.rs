//! Loss recovery: RFC 5681, 5682, 6298, 6582, 6675, 8985, 9937, as Linux has it.

use super::*;

mod a_duplicate_of_what_was_sacked_is_reordering;
mod a_fin_beyond_a_hole;
mod a_probe_keeps_within_the_window;
mod a_repair_keeps_within_the_window;
mod a_short_probe_is_undone_as_well;
mod ack_division;
mod backoff_after_unreachable;
mod bogus_sack_blocks;
mod closed_window_is_no_loss;
mod dsack_of_the_networks_duplicate;
mod dsack_undoes;
mod dsack_widens_the_window;
mod ecn_and_loss;
mod frto_and_the_path_mtu;
mod frto_real_loss;
mod frto_sends_a_short_segment;
mod frto_spurious;
mod frto_without_sack;
mod full_ack_without_sack;
mod heavy_loss;
mod karn;
mod limited_transmit;
mod lost_retransmission;
mod mark_of_a_whole_flight;
mod newreno_part_of_a_segment;
mod newreno_partial_ack;
mod no_loss_costs_nothing;
mod no_repair_while_originals_arrive;
mod old_sack_blocks_are_forgotten;
mod orphan_patience;
mod outside_the_window;
mod prr_proportion;
mod prr_slow_start;
mod recent_data_survives_a_timeout;
mod recovery_after_frto;
mod recovery_after_recovery;
mod reneging;
mod reordering_is_learnt;
mod reordering_timer;
mod restart_of_the_timer;
mod sack_splitting;
mod sacked_retransmission_with_timestamps;
mod scoreboard_model;
mod small_segments_do_not_starve_a_repair;
mod tail_loss_probe;
mod the_head_again_keeps_the_reordering_timer;
mod thin_stream;
mod threshold_of_a_small_flight;
mod timestamps_undo;
mod tlp_detects_loss;
mod tlp_of_new_data;
mod tlp_once_a_measurement;
mod window_limits_retransmission;

/// Ten segments of 1000 bytes are in flight, more waits; 10 ms have passed since they left.
fn in_flight(peer: Peer) -> Bench {
    let mut b = Bench::connected(peer);
    b.send(&[1; 30_000]);
    assert_eq!(b.sent().len(), 10);
    b.now = b.now + ms(10);
    b
}

/// As [`in_flight`], and nothing else is to be sent.
fn all_sent(peer: Peer) -> Bench {
    let mut b = Bench::connected(peer);
    b.send(&[1; 10_000]);
    assert_eq!(b.sent().len(), 10);
    b.now = b.now + ms(10);
    b
}

/// A peer with SACK and timestamps whose segments are 1000 bytes.
const STAMPS: Peer = Peer { mss: Some(1012), timestamps: true, ..SACK };

/// Sequence numbers of what is sent now.
fn starts(b: &mut Bench) -> Vec<u32> {
    b.sent().into_iter().map(|s| s.1).collect()
}

/// The same of segments already taken.
fn at(b: &Bench, sent: &[Sent]) -> Vec<(u64, u32)> {
    sent.iter().map(|s| (s.at.since(b.now).as_millis() as u64, s.repr.seq.0.wrapping_sub(b.iss))).collect()
}
