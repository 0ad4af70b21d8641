//! RFC 9293 section 3.10.7.3: a RST counts in SYN-SENT only with an acceptable ACK.

use super::*;

#[test]
fn a_blind_reset_does_not_end_an_attempt() {
    let mut b = Bench::new();
    b.connect();
    b.peer(RST, 0, 0, &[]);
    b.peer(RST | ACK, 0, 7, &[]);
    assert_eq!(b.state(), TcpState::SynSent);
}
