//! RFC 2018 section 3: a FIN occupies sequence space; out of order it is reported as data is, for it may be the peer's tail loss
//! probe. Once it is taken nothing is left to report.

use super::*;

#[test]
fn is_reported_until_it_is_taken() {
    let mut b = Bench::connected(SACK);
    b.peer(ACK | FIN, 1001, 1, &[]);
    let sent = b.flush();
    let at = |n: u32| SeqNumber(b.irs.wrapping_add(n));
    assert_eq!(sent[0].repr.options.sack_blocks.as_slice(), [(at(1001), at(1002))]);
    b.peer(ACK, 1, 1, &[7; 1000]);
    let sent = b.flush();
    assert_eq!(sent[0].repr.ack, SeqNumber(b.irs.wrapping_add(1002)));
    assert!(sent[0].repr.options.sack_blocks.is_empty());
    assert_eq!(b.state(), TcpState::CloseWait);
}
