//! RFC 3168 section 6.1.1 with RFC 9293 figure 8: SYNs that cross both ask, and both SYN-ACKs agree.

use super::*;

fn crossing(flags: Flags) -> (Flags, bool) {
    let mut b = asking();
    b.peer_window = PLAIN.window;
    let mut syn = b.segment(SYN | flags, 0, 0, &[]);
    syn.repr.ack = SeqNumber(0);
    b.offer(&mut syn, PLAIN);
    b.rx(syn);
    let sent = b.flush();
    assert_eq!(sent.len(), 1, "{sent:?}");
    b.peer(SYN | ACK, 0, 1, &[]);
    b.flush();
    assert_eq!(b.state(), TcpState::Established);
    (sent[0].repr.flags, b.info().ecn)
}

#[test]
fn both_asked() {
    assert_eq!(crossing(SETUP), (SYN | ACK | ECE, true));
}

#[test]
fn only_we_asked() {
    assert_eq!(crossing(Flags::NONE), (SYN | ACK, false));
}
