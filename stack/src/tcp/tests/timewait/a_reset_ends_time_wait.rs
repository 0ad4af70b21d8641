//! RFC 1337: Linux's tcp_rfc1337 = 0 lets a RST end TIME-WAIT.

use super::*;

#[test]
fn a_reset_ends_time_wait() {
    let mut b = in_time_wait();
    b.peer(RST, 2, 0, &[]);
    assert_eq!(b.tcp.timewaits.len(), 0);
    assert_eq!(b.tcp.poll_timeout(), None);
}
