//! TIME-WAIT: RFC 9293 sections 3.6.1 and 3.10.7.4, RFC 6191, RFC 1337.

use super::*;

mod a_lower_sequence_number_with_a_newer_timestamp_will_do;
mod a_newer_syn_reuses_a_time_wait;
mod a_reset_ends_time_wait;
mod a_reset_out_of_order_does_not_end_it;
mod a_syn_without_a_listener_is_acknowledged;
mod an_old_syn_in_time_wait_is_acknowledged;
mod it_lasts_a_minute_and_begins_anew_with_the_fin;
mod old_duplicates_are_answered_so_often;
mod the_table_is_bounded;
mod time_wait_holds_the_port_against_bind;
mod without_timestamps_the_sequence_number_decides;

pub(super) fn in_time_wait() -> Bench {
    let (mut b, listener) = Bench::accepted(MODERN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.ts_peer += 10;
    b.peer(ACK | FIN, 1, 2, &[]);
    b.flush();
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.id = listener;
    b
}
