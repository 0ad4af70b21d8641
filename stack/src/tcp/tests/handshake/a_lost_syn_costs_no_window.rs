//! `tcp_init_transfer`: a SYN repeated once leaves the initial window (RFC 6928) as it is; repeated twice, it is one segment
//! (RFC 5681 section 3.1).

use super::*;

/// Bytes of the first flight after so many repetitions.
fn first_flight(repetitions: u64) -> usize {
    let mut b = Bench::new();
    b.connect();
    b.advance(Duration::from_secs(repetitions) + ms(10));
    b.syn_ack(SACK);
    b.flush();
    b.send(&[1; 30_000]);
    b.sent().iter().map(|s| s.2).sum()
}

#[test]
fn one_is_free_and_two_are_not() {
    assert_eq!([first_flight(0), first_flight(1), first_flight(2)], [10_000, 10_000, 1000]);
}
