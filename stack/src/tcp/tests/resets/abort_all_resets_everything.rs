//! The end of waiting at exit: every connection is reset.

use super::*;

#[test]
fn abort_all_resets_everything() {
    let mut b = Bench::connected(PLAIN);
    b.tcp.abort_all(b.now);
    assert_eq!(b.sent(), vec![(RST | ACK, 1, 0)]);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::ConnectionAborted));
}
