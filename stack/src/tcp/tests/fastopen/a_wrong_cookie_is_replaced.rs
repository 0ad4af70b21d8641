//! RFC 7413 section 4.2.2: without a valid cookie the data of a SYN is not taken; the SYN-ACK brings the right cookie.

use super::*;

#[test]
fn a_wrong_cookie_is_replaced() {
    let mut b = server(5);
    let cookie = cookie_of(&mut b);
    for wrong in [&[9u8; 8][..], &cookie.cookie()[..4], &[cookie.cookie(), &[0; 8]].concat()] {
        b.remote += 1;
        let answer = syn_with(&mut b, FastOpen::new(wrong), b"data");
        assert_eq!((answer.repr.ack.0, answer.repr.options.fast_open), (b.irs + 1, Some(cookie)));
    }
    assert_eq!(b.counters.tcp_fastopen_bad_cookies, 3);
    assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
    // The ordinary way goes on: the client sends its data again.
    b.peer(ACK | PSH, 1, 1, b"data");
    b.id = accept(&mut b);
    assert_eq!(b.recv(10).unwrap(), b"data");
}
