//! RFC 3708 section 3: only a duplicate of what was sent again proves anything; one that comes with the acknowledgement of the same data
//! is no exception (Linux: tcp_sacktag_one, before tcp_clean_rtx_queue).

use super::*;

/// The head was repeated; everything is acknowledged, and `start` is reported as a duplicate. How many recoveries are undone.
fn undone(start: u32) -> u64 {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 5001)]);
    assert_eq!(starts(&mut b)[0], 1);
    b.now = b.now + ms(10);
    b.sack(10_001, &[(start, start + 1000)]);
    b.flush();
    b.counters.tcp_spurious_recoveries
}

#[test]
fn of_what_was_sent_once_it_undoes_nothing() {
    assert_eq!(undone(6001), 0);
}

#[test]
fn of_what_was_repeated_it_does() {
    assert_eq!(undone(1), 1);
}
