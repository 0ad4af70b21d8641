//! RFC 9293 section 3.6, figure 13: both FINs cross.

use super::*;

#[test]
fn simultaneous_close() {
    let mut b = Bench::connected(PLAIN);
    shut(&mut b, Shutdown::Write);
    b.flush();
    b.peer(ACK | FIN, 1, 1, &[]);
    assert_eq!(b.state(), TcpState::Closing);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 2);
    b.peer(ACK, 2, 2, &[]);
    assert_eq!(b.tcp.timewaits.len(), 1);
    b.silent();
}
