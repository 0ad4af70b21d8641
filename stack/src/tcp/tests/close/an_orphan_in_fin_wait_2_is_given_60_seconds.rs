//! tcp_fin_timeout: a peer that does not close is not waited for longer than a minute.

use super::*;

#[test]
fn an_orphan_in_fin_wait_2_is_given_60_seconds() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.close(b.now, b.id);
    b.flush();
    b.peer(ACK, 1, 2, &[]);
    b.advance(Duration::from_secs(59));
    assert_eq!(b.tcp.socks.len(), 1);
    b.advance(Duration::from_secs(2));
    assert_eq!(b.tcp.socks.len(), 0);
}
