//! RFC 9293 section 3.6, figure 12, from the side that closes first, with the half-close between.

use super::*;

#[test]
fn we_close_first() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"bye");
    shut(&mut b, Shutdown::Write);
    assert_eq!(b.sent(), vec![(ACK | PSH | FIN, 1, 3)]);
    assert_eq!(b.state(), TcpState::FinWait1);
    assert!(b.tcp.pending_output());
    b.peer(ACK, 1, 5, &[]);
    assert_eq!(b.state(), TcpState::FinWait2);
    assert!(!b.tcp.pending_output());
    b.peer(ACK, 1, 5, b"still talking");
    assert_eq!(b.recv(100).unwrap(), b"still talking");
    b.flush();
    b.peer(ACK | FIN, 14, 5, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 15));
    assert_eq!(b.tcp.timewaits.len(), 1);
    assert_eq!(b.recv(100).unwrap(), b"");
    assert_eq!(b.state(), TcpState::Closed);
    // The FIN again: acknowledged again, and the 60 seconds begin anew.
    b.advance(Duration::from_secs(30));
    b.peer(ACK | FIN, 14, 5, &[]);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 15);
    b.advance(Duration::from_secs(59));
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.tcp.timewaits.len(), 0);
    b.tcp.close(b.now, b.id);
    assert_eq!(b.tcp.socks.len(), 0);
    b.silent();
}
