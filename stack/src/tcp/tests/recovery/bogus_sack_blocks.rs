//! SACK blocks that cannot be (RFC 2018 section 4; Linux: tcp_is_sackblock_valid): ignored and counted.

use super::*;

#[test]
fn beyond_what_was_sent_backwards_and_empty_ones_are_ignored() {
    let mut b = in_flight(SACK);
    for block in [(5001, 10_002), (10_001, 12_001), (6001, 5001), (5001, 5001)] {
        b.sack(1, &[block]);
        assert_eq!(b.info().sacked, 0, "{block:?}");
    }
    assert!(b.counters.tcp_sack_discarded >= 3);
    assert_eq!(b.counters.tcp_fast_recoveries, 0);
}

#[test]
fn one_that_begins_where_the_acknowledgement_ends_is_none() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1, 5001)]);
    assert_eq!(b.info().sacked, 0);
    assert_eq!(b.counters.tcp_sack_discarded, 1);
}

#[test]
fn overlapping_blocks_count_once() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(2001, 3001), (2001, 4001), (3001, 4001)]);
    assert_eq!(b.info().sacked, 2000);
    b.sack(1, &[(2501, 3501)]);
    assert_eq!(b.info().sacked, 2000);
}
