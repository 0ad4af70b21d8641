//! RFC 3168 section 6.1.1 with SYN cookies: what was agreed on of ECN comes back in the timestamp; without one it is not agreed on.

use super::*;

fn ecn(timestamps: bool) -> (Flags, bool) {
    let mut b = flooded();
    b.timestamps = timestamps;
    let mut syn = b.segment(SYN | Flags::ECE | Flags::CWR, 0, 0, &[]);
    syn.repr.ack = SeqNumber(0);
    b.rx(syn);
    let answer = b.flush()[0].clone();
    b.iss = answer.repr.seq.0;
    b.client_ack();
    b.id = b.tcp.accept(b.id).unwrap().0;
    (answer.repr.flags, b.info().ecn)
}

#[test]
fn ecn_comes_back_in_the_timestamp() {
    assert_eq!(ecn(true), (SYN | ACK | Flags::ECE, true));
    assert_eq!(ecn(false), (SYN | ACK, false));
}
