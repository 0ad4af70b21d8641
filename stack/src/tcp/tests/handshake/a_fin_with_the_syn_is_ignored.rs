//! RFC 9293 section 3.10.7.2: what a listener does not answer: RST, SYN with FIN, nothing at all; and what it resets: an ACK.

use super::*;

#[test]
fn a_fin_with_the_syn_is_ignored() {
    let mut b = Bench::listening(5);
    for flags in [SYN | FIN, FIN, RST, RST | ACK, PSH] {
        b.peer(flags, 0, 0, &[]);
        b.silent();
    }
    assert_eq!(b.tcp.requests.len(), 0);
    for flags in [ACK, SYN | ACK, FIN | ACK] {
        b.peer(flags, 0, 77, &[]);
        let sent = b.flush();
        assert_eq!((sent[0].repr.flags, sent[0].repr.seq.0), (RST, b.iss.wrapping_add(77)));
    }
}
