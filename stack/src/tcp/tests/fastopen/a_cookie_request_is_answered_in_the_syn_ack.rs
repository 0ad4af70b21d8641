//! RFC 7413 section 4.1.2: a server gives a cookie to who asks, the same each time and another to another client.

use super::*;

#[test]
fn a_cookie_request_is_answered_in_the_syn_ack() {
    let mut b = server(5);
    let answer = syn_with(&mut b, Some(FastOpen::REQUEST), b"");
    let cookie = answer.repr.options.fast_open.unwrap();
    assert_eq!(cookie.cookie().len(), 8);
    assert_eq!(b.counters.tcp_fastopen_cookies_out, 1);
    // An ordinary handshake otherwise; the SYN-ACK that is sent again has no cookie, as on Linux.
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    let again = b.advance(ms(1000));
    assert_eq!((again[0].repr.flags, again[0].repr.options.fast_open), (SYN | ACK, None));
    b.client_ack();
    accept(&mut b);
    // Data beside the request is not taken.
    b.remote += 1;
    let answer = syn_with(&mut b, Some(FastOpen::REQUEST), b"data");
    assert_eq!((answer.repr.ack.0, answer.repr.options.fast_open), (b.irs + 1, Some(cookie)));
    let mut other = b.segment(SYN, 0, 0, &[]);
    other.src = Ipv4Addr::new(10, 0, 0, 3);
    other.repr.options.fast_open = Some(FastOpen::REQUEST);
    b.rx(other);
    let theirs = b.flush()[0].repr.options.fast_open.unwrap();
    assert!(!theirs.is_request() && theirs != cookie);
}

#[test]
fn a_listener_without_fast_open_gives_none() {
    let mut b = server(0);
    assert_eq!(syn_with(&mut b, Some(FastOpen::REQUEST), b"").repr.options.fast_open, None);
}
