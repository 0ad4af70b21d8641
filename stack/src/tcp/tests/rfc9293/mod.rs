//! Requirements of RFC 9293 that no other topic has shown (stack/RFC9293.md).

use super::*;

mod a_listener_does_not_disturb_connections_of_its_port;
mod a_mark_is_heard_while_the_window_is_closed;
mod a_reset_with_data_is_a_reset;
mod a_small_window_is_announced;
mod a_window_above_32767_is_used;
mod an_active_open_in_syn_received_hears_of_a_reset;
mod no_segment_but_a_syn_names_an_mss;
mod segments_have_the_ttl_and_tos_of_the_socket;
mod the_defaults_of_a_connection;
