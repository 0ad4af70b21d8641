//! tcp(7), tcp_orphan_retries = 0: an orphan gives up after 8 retransmissions, an open socket after 15 (tcp_retries2).

use super::*;

fn lasts(orphan: bool) -> u64 {
    let mut b = Bench::connected(PLAIN);
    b.send(b"hello");
    b.flush();
    if orphan {
        b.tcp.close(b.now, b.id);
    }
    let start = b.now;
    while b.tcp.pending > 0 {
        let Some(at) = b.tcp.poll_timeout() else { break };
        b.advance(at.since(b.now) + ms(1));
    }
    b.now.since(start).as_secs()
}

#[test]
fn of_linux() {
    let (orphan, open) = (lasts(true), lasts(false));
    assert!((100..160).contains(&orphan), "{orphan}");
    assert!((920..1100).contains(&open), "{open}");
}
