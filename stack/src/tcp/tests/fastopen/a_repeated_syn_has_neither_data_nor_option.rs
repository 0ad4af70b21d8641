//! RFC 7413 section 4.1.3: a SYN that is repeated carries neither data nor option, for what they may meet on the path.

use super::*;

#[test]
fn a_repeated_syn_has_neither_data_nor_option() {
    let mut b = client();
    send_to(&mut b, b"hello").unwrap();
    syn(&mut b);
    let again = b.advance(ms(1000));
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].repr.flags, again[0].repr.seq.0), (SYN, b.iss));
    assert!(again[0].payload.is_empty() && again[0].repr.options.fast_open.is_none());
    b.advance(ms(10));
    syn_ack(&mut b, 0, None);
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 5)]);
    assert_eq!(b.info().fast_open_fail, 3);
}

#[test]
fn the_answer_to_the_first_syn_may_come_late() {
    let mut b = client();
    send_to(&mut b, b"hello").unwrap();
    syn(&mut b);
    b.advance(ms(1000));
    syn_ack(&mut b, 5, None);
    assert_eq!(b.state(), TcpState::Established);
    assert_eq!(b.sent(), vec![(ACK, 6, 0)]);
    assert!(b.info().syn_data);
}
