//! tcp_orphan_retries: what was closed is not repeated for as long as what is open.

use super::*;

#[test]
fn an_orphan_gives_up_sooner() {
    let mut b = Bench::connected(PLAIN);
    b.send(b"into the void");
    b.tcp.close(b.now, b.id);
    assert!(b.tcp.pending_output());
    b.advance(Duration::from_secs(90));
    assert_eq!(b.tcp.socks.len(), 1);
    b.advance(Duration::from_secs(120));
    assert_eq!(b.tcp.socks.len(), 0);
    assert!(!b.tcp.pending_output());
}
