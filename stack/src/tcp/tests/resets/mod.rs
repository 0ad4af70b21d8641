//! RFC 5961, RFC 9293 section 3.10.7: what may end a connection, and what only makes us ask.

use super::*;

mod a_reset_after_the_peers_fin_is_a_broken_pipe;
mod a_reset_must_match_exactly;
mod a_syn_in_a_connection_is_challenged;
mod abort_all_resets_everything;
mod abort_resets_and_forgets;
mod acknowledgements_far_behind_or_ahead_drop_the_segment;
mod an_unknown_connection_is_reset;
mod challenges_are_rate_limited;
mod data_is_readable_after_a_reset;
mod segments_outside_the_window_are_answered;
mod the_device_may_vanish;
