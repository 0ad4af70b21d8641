//! A cookie is good for the minute it was made in and the next, and only while the queue overflowed lately.

use super::*;

fn answered_after(wait: Duration) -> Flags {
    let mut b = flooded();
    // The beginning of a minute.
    b.now = Instant::from_micros(1_020_000_000);
    b.client_syn(PLAIN);
    b.now = b.now + wait;
    b.client_ack();
    b.tcp.accept(b.id).map_or_else(|_| b.flush()[0].repr.flags, |_| ACK)
}

#[test]
fn a_cookie_ages() {
    assert_eq!(answered_after(ms(100)), ACK);
    assert_eq!(answered_after(Duration::from_secs(119)), ACK);
    assert_eq!(answered_after(Duration::from_secs(121)), RST);
}

#[test]
fn without_an_overflow_no_cookie_is_believed() {
    let mut b = flooded();
    b.client_syn(PLAIN);
    let cookie = b.iss;
    // The same stack, as it would be had the queue not overflowed.
    let listener = b.tcp.socks.get_mut(b.id.index).unwrap();
    let crate::tcp::socket::Body::Listen(l) = &mut listener.body else { panic!() };
    assert!(l.overflow_at.take().is_some());
    b.client_ack();
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, cookie + 1));
    assert_eq!(b.counters.tcp_syn_cookies_bad, 0);
}
