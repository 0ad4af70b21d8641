//! RFC 9293 section 3.8.4, tcp(7) TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT: probes, and the end with a RST.

use super::*;

#[test]
fn keepalive() {
    let mut b = Bench::connected(PLAIN);
    b.options(|o| {
        o.keepalive = true;
        o.keepidle = Duration::from_secs(60);
        o.keepintvl = Duration::from_secs(10);
        o.keepcnt = 3;
    });
    let start = b.now;
    let sent = b.advance(Duration::from_secs(65));
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].repr.seq.0, sent[0].payload.len()), (b.iss, 0));
    assert_eq!(sent[0].at.since(start), Duration::from_secs(60));
    // An answer starts it anew.
    b.peer(ACK, 1, 1, &[]);
    let sent = b.advance(Duration::from_secs(200));
    assert_eq!(sent.len(), 4);
    assert_eq!(sent[3].repr.flags, RST | ACK);
    assert_eq!(b.tcp.take_error(b.id), Some(Error::TimedOut));
}
