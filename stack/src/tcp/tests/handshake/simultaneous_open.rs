//! RFC 9293 section 3.5, figure 7 (MUST-10): both ends begin.

use super::*;

#[test]
fn simultaneous_open() {
    let mut b = Bench::new();
    b.connect();
    let mut syn = b.segment(SYN, 0, 0, &[]);
    syn.repr.options.mss = Some(1000);
    b.rx(syn);
    assert_eq!(b.state(), TcpState::SynReceived);
    let sent = b.flush();
    assert_eq!(sent[0].repr.flags, SYN | ACK);
    assert_eq!((sent[0].repr.seq.0, sent[0].repr.ack.0), (b.iss, b.irs + 1));
    b.syn_ack(PLAIN);
    assert_eq!(b.state(), TcpState::Established);
    b.flush();
    b.peer(ACK | PSH, 1, 1, b"hello");
    assert_eq!(b.recv(10).unwrap(), b"hello");
    b.send(b"world");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 5)]);
}
