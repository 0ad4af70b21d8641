//! inet_csk_listen_stop: when the listener is gone the end of a handshake is answered by a RST.

use super::*;

#[test]
fn a_request_ends_with_its_listener() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.tcp.close(b.now, b.id);
    b.silent();
    b.client_ack();
    let sent = b.flush();
    assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, b.iss + 1));
    assert_eq!((b.tcp.requests.len(), b.tcp.poll_timeout()), (0, None));
}

#[test]
fn it_is_repeated_no_more() {
    let mut b = Bench::listening(5);
    b.client_syn(PLAIN);
    b.tcp.close(b.now, b.id);
    assert!(b.advance(Duration::from_secs(100)).is_empty());
    assert_eq!(b.tcp.requests.len(), 0);
}
