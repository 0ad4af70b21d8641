//! RFC 9293 section 3.10.7.4: FIN with the acknowledgement of ours leads from FIN-WAIT-1 to TIME-WAIT.

use super::*;

#[test]
fn fin_and_its_ack_in_one_segment() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK | FIN, 1, 2, &[]);
    assert_eq!(b.flush()[0].repr.ack.0, b.irs + 2);
    assert_eq!((b.tcp.socks.len(), b.tcp.timewaits.len()), (0, 1));
}
