//! RFC 9293 section 3.10.4: CLOSE in SYN-SENT deletes the TCB.

use super::*;

#[test]
fn close_in_syn_sent_is_silent() {
    let mut b = Bench::new();
    b.connect();
    b.tcp.close(b.now, b.id);
    b.silent();
    assert_eq!(b.tcp.socks.len(), 0);
    assert_eq!(b.tcp.poll_timeout(), None);
}
