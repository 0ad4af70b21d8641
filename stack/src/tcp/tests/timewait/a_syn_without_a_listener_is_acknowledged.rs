//! tcp_v4_rcv, TCP_TW_SYN: a newer SYN for which nobody listens any more is answered as an old one, and TIME-WAIT stays.

use super::*;

#[test]
fn a_syn_without_a_listener_is_acknowledged() {
    let mut b = in_time_wait();
    b.tcp.close(b.now, b.id);
    b.ts_peer += 10;
    b.peer(SYN, 100_000, 0, &[]);
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.ack.0), (ACK, b.irs + 2));
    assert_eq!(b.tcp.timewaits.len(), 1);
}
