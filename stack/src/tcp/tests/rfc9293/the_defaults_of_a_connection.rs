//! RFC 9293 section 3.8.4, MUST-25 and MUST-28: keep-alives are off, and when they are switched on the first comes after two hours
//! of silence.

use super::*;

#[test]
fn the_defaults_of_a_connection() {
    let mut b = Bench::connected(PLAIN);
    assert_eq!(b.tcp.poll_timeout(), None);
    b.options(|o| o.keepalive = true);
    let since = b.now;
    let sent = b.advance(Duration::from_secs(7199));
    assert!(sent.is_empty(), "{sent:?}");
    let sent = b.advance(Duration::from_secs(2));
    assert_eq!(sent.len(), 1);
    assert!(sent[0].at.since(since) >= Duration::from_secs(7200 - 1), "{:?}", sent[0].at.since(since));
}
