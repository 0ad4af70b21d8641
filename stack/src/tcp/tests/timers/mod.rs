//! The plain timers and the options that go with them: keepalive, TCP_USER_TIMEOUT, window probes, delayed acknowledgements, corking.

use super::*;

mod a_dead_peer_behind_a_closed_window;
mod cork_and_more;
mod delayed_acks_adapt;
mod keepalive_and_user_timeout;
mod keepalive_times;
mod quickack_is_not_permanent;
mod the_time_out_remembers_the_last_round_trips;
mod user_timeout_with_a_closed_window;
mod user_timeout_with_data;
mod window_probes;
