//! Karn: a retransmitted segment is no measure, unless timestamps say which one arrived.

use super::*;

#[test]
fn no_round_trip_time_from_a_retransmission() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    b.advance(ms(500));
    b.peer(ACK, 1, 6, &[]);
    assert_eq!(b.info().srtt, ms(10));
}
