//! RFC 5961 section 4.2: a SYN in a connection is answered by an ACK.

use super::*;

#[test]
fn a_syn_in_a_connection_is_challenged() {
    let mut b = Bench::connected(PLAIN);
    b.peer(SYN, 1, 0, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (ACK, b.iss + 1));
    assert_eq!(b.state(), TcpState::Established);
}
