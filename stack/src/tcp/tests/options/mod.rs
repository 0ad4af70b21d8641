//! Options that change what a connection does: tcp(7), ip(7).

use super::*;

mod acknowledgements_are_delayed_no_longer_than_told;
mod defer_accept_does_not_slow_the_connection_down;
mod defer_accept_ends;
mod defer_accept_waits_for_data;
mod linger2_ends_fin_wait2;
mod min_ttl_drops_what_came_from_afar;
mod notsent_lowat_bounds_what_waits;
mod ports_come_from_the_range;
mod rcvlowat_holds_back_until_the_window_is_shut;
mod retransmission_stays_between_its_bounds;
mod the_syn_is_saved;
mod thin_linear_timeouts_do_not_back_off;
mod what_a_listener_does_not_want_opens_nothing;
mod window_clamp_bounds_what_is_announced;
