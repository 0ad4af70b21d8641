//! RFC 6298 section 3 (Karn): a SYN-ACK that was sent again says nothing of the round trip.

use super::*;

#[test]
fn an_answer_to_a_repeated_syn_is_no_measurement() {
    let mut b = Bench::listening(5);
    let first = b.client_syn(PLAIN);
    b.advance(ms(600));
    let again = b.client_syn(PLAIN);
    assert_eq!(first.repr.seq, again.repr.seq);
    b.advance(ms(10));
    b.client_ack();
    let (child, _) = b.tcp.accept(b.id).unwrap();
    b.id = child;
    assert_eq!(b.info().srtt, ms(0));
}
