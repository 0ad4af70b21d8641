//! RFC 2018 section 8: the peer may drop what it SACKed; the timer sends it again.

use super::*;

#[test]
fn a_reneging_peer() {
    let mut b = in_flight(SACK);
    b.sack(1, &[(1001, 10_001)]);
    b.flush();
    b.peer(ACK, 1, 1001, &[]);
    let mut acked = 1001;
    for _ in 0..40 {
        for s in b.advance(ms(400)) {
            let end = s.repr.seq.0 - b.iss + s.payload.len() as u32;
            if s.repr.seq.0 - b.iss == acked {
                acked = end;
            }
        }
        b.peer(ACK, 1, acked, &[]);
    }
    assert_eq!(acked, 30_001);
}
