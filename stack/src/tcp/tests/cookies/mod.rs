//! SYN cookies (RFC 4987 section 3.6): a listener whose queue of half-open requests is full.

use super::*;

mod a_cookie_ages;
mod a_flood_leaves_memory_bounded_and_lets_clients_in;
mod a_full_queue_answers_with_a_cookie;
mod a_guess_is_reset;
mod ecn_comes_back_in_the_timestamp;
mod the_accept_queue_still_counts;
mod the_mss_and_the_options_come_back;
mod timestamps_do_not_go_back;

/// A listener with a backlog of 3 whose queue strangers have filled; the peer's port is one that comes next.
pub(super) fn flooded() -> Bench {
    let mut b = Bench::listening(3);
    for port in 0..3 {
        b.remote = 50_000 + port;
        b.client_syn(PLAIN);
    }
    assert_eq!((b.tcp.requests.len(), b.counters.tcp_syn_cookies_out), (3, 0));
    b.remote = 40_000;
    b
}
