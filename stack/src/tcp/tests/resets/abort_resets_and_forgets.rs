//! RFC 9293 section 3.10.5, ABORT.

use super::*;

#[test]
fn abort_resets_and_forgets() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"data");
    b.flush();
    b.tcp.abort(b.now, b.id);
    assert_eq!(b.sent(), vec![(RST | ACK, 5, 0)]);
    assert_eq!(b.tcp.socks.len(), 0);
    assert!(!b.tcp.pending_output());
    assert_eq!(b.tcp.poll_timeout(), None);
}
