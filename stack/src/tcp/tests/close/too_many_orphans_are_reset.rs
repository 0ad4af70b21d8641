//! tcp_max_orphans (tcp_too_many_orphans): beyond the limit a close is a RST, and nothing is kept of the connection.

use super::*;
use crate::tcp::close::MAX_ORPHANS;

#[test]
fn too_many_orphans_are_reset() {
    let mut b = Bench::listening(10);
    let listener = b.id;
    let mut left = Vec::new();
    for n in 0..MAX_ORPHANS + 3 {
        b.id = listener;
        b.remote = 1024 + n as u16;
        b.client_syn(PLAIN);
        b.client_ack();
        b.id = b.tcp.accept(listener).unwrap().0;
        b.tcp.close(b.now, b.id);
        let sent = b.flush();
        let want = if n < MAX_ORPHANS { ACK | FIN } else { RST | ACK };
        assert_eq!((sent.len(), sent[0].repr.flags), (1, want), "{n}");
        left.push((b.remote, b.iss));
    }
    assert_eq!((b.tcp.orphans, b.counters.tcp_orphans_refused), (MAX_ORPHANS, 3));
    assert_eq!(b.tcp.socks.len(), MAX_ORPHANS + 1);
    // One that ends makes room for one.
    (b.remote, b.iss) = left[0];
    b.peer(RST | ACK, 1, 2, &[]);
    assert_eq!(b.tcp.orphans, MAX_ORPHANS - 1);
    b.advance(Duration::from_secs(210));
    assert_eq!((b.tcp.orphans, b.tcp.socks.len()), (0, 1));
}
