//! RFC 9293 section 3.6, figure 13: the peer's FIN and its acknowledgement of ours come in one batch; ours must still
//! leave.

use super::*;

#[test]
fn crossing_fins_read_in_one_batch_are_acknowledged() {
    let mut b = Bench::connected(PLAIN);
    shut(&mut b, Shutdown::Write);
    b.flush();
    b.peer(ACK | FIN, 1, 1, &[]);
    assert_eq!(b.state(), TcpState::Closing);
    b.peer(ACK, 2, 2, &[]);
    assert_eq!(b.tcp.timewaits.len(), 1);
    let sent = b.flush();
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 2));
}
