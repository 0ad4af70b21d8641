//! RFC 6191 section 2: a newer timestamp proves it as well as a higher sequence number.

use super::*;

#[test]
fn a_lower_sequence_number_with_a_newer_timestamp_will_do() {
    let mut b = in_time_wait();
    b.irs = b.irs.wrapping_sub(100_000);
    b.ts_peer += 10;
    b.client_syn(MODERN);
    assert_eq!(b.tcp.timewaits.len(), 0);
}
