//! RFC 5961 section 5: an acknowledgement of what was not sent, or older than any window, changes nothing on the scoreboard.

use super::*;

#[test]
fn sack_blocks_on_it_are_not_looked_at() {
    let mut b = in_flight(SACK);
    b.sack(10_002, &[(2001, 9001)]);
    assert_eq!(b.info().sacked, 0);
    b.peer(ACK, 1, 5001, &[]);
    b.sack(1u32.wrapping_sub(70_000), &[(6001, 9001)]);
    assert_eq!(b.info().sacked, 0);
}

#[test]
fn an_old_acknowledgement_still_brings_its_blocks() {
    let mut b = in_flight(SACK);
    b.peer(ACK, 1, 2001, &[]);
    b.sack(1001, &[(3001, 4001)]);
    assert_eq!(b.info().sacked, 1000);
}
