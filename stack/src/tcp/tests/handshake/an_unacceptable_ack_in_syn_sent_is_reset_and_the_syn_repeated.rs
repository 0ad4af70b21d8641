//! RFC 9293 section 3.5.1, figure 9: the peer has half of an old connection; its answer is reset, and the SYN goes out
//! again soon.

use super::*;

#[test]
fn an_unacceptable_ack_in_syn_sent_is_reset_and_the_syn_repeated() {
    let mut b = Bench::new();
    b.connect();
    b.peer(ACK, 300, 77_000, &[]);
    let sent = b.advance(ms(3));
    assert_eq!(sent[0].repr.flags, RST);
    assert_eq!(sent[0].repr.seq.0, b.iss.wrapping_add(77_000));
    assert_eq!(sent[1].repr.flags, SYN);
}
