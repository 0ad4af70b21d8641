//! RFC 9293 section 3.10.7.2: data in a SYN without Fast Open is not acknowledged, and comes again after the handshake.

use super::*;

#[test]
fn without_the_option_data_in_a_syn_waits() {
    for most in [0, 5] {
        let mut b = server(most);
        let answer = syn_with(&mut b, None, b"data");
        assert_eq!((answer.repr.ack.0, answer.repr.options.fast_open), (b.irs + 1, None));
        assert_eq!(b.tcp.accept(b.id), Err(Error::WouldBlock));
        b.peer(ACK | PSH, 1, 1, b"data");
        b.id = accept(&mut b);
        assert_eq!(b.recv(10).unwrap(), b"data");
    }
}
