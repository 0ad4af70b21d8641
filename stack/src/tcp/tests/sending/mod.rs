//! What is sent, in which sizes, and when not: Nagle, corking, large frames, the initial window.

use super::*;

mod a_full_device_loses_nothing;
mod a_smaller_path_mtu;
mod an_idle_connection_has_no_timer;
mod cork_ends_after_200_ms;
mod cork_holds_until_uncorked;
mod cwnd_restarts_after_idle;
mod fin_sends_what_was_held;
mod frames_are_whole_segments;
mod keepalive;
mod maxseg_limits_segments;
mod more_holds_a_partial_segment;
mod nagle_holds_a_second_small_segment;
mod nagle_lets_full_segments_pass;
mod nodelay_sends_at_once;
mod the_initial_window_is_ten_segments;
mod the_last_segment_is_pushed;
mod the_send_buffer_has_a_limit_and_tells_of_room;
