//! A peer that answers every probe and never opens its window keeps a connection that nobody holds any more only until the probes
//! have reached their longest interval (Linux: `tcp_probe_timer`); one that is held it keeps for ever (RFC 9293 MUST-37).

use super::*;

fn ends(close: bool) -> bool {
    let mut b = Bench::connected(PLAIN);
    b.peer_window = 0;
    b.peer(ACK, 1, 1, &[]);
    b.send(b"never read");
    b.flush();
    let id = b.id;
    if close {
        b.tcp.close(b.now, id);
    }
    for _ in 0..2000 {
        if b.tcp.socks.len() == 0 {
            return true;
        }
        for _ in b.advance(Duration::from_secs(1)) {
            b.peer(ACK, 1, 1, &[]);
        }
    }
    false
}

#[test]
fn an_orphan_is_not_kept_by_a_closed_window() {
    assert!(ends(true));
    assert!(!ends(false));
}
