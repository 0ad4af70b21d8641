//! RFC 9293 section 3.10.7.4, MUST-11: SYN-RECEIVED remembers where it came from. After a passive open a reset brings the
//! listener back; after an active one the user hears of it (ECONNRESET, as Linux's `tcp_reset` has it for this state).

use super::*;

#[test]
fn an_active_open_in_syn_received_hears_of_a_reset() {
    let mut b = Bench::new();
    b.connect();
    // Both opened at once.
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.options.mss = Some(1000);
    b.rx(syn);
    assert_eq!(b.state(), TcpState::SynReceived);
    assert_eq!(b.flush()[0].repr.flags, SYN | ACK);
    b.peer(RST, 1, 0, &[]);
    assert_eq!(b.state(), TcpState::Closed);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::ConnectionReset));
    b.silent();
}
