//! RFC 7413 section 4.1.3: a client without a cookie sends an ordinary SYN that asks for one.

use super::*;

#[test]
fn first_contact_asks_for_a_cookie() {
    let mut b = Bench::new();
    assert_eq!(send_to(&mut b, b"data"), Ok(0));
    let syn = syn(&mut b);
    assert_eq!(syn.repr.options.fast_open, Some(FastOpen::REQUEST));
    assert!(syn.payload.is_empty());
    assert_eq!(b.state(), TcpState::SynSent);
    assert_eq!(send_to(&mut b, b"data"), Err(Error::Already));
    b.advance(ms(10));
    syn_ack(&mut b, 0, FastOpen::new(&[7; 8]));
    assert_eq!(b.flush()[0].repr.flags, ACK);
    assert_eq!((b.info().fast_open_fail, b.info().syn_data), (1, false));
    assert_eq!(b.tcp.outcome(b.id), Ok(()));
    b.send(b"data");
    assert_eq!(b.sent(), vec![(ACK | PSH, 1, 4)]);
}

#[test]
fn an_unsolicited_cookie_is_ignored() {
    let mut b = Bench::new();
    b.connect();
    syn_ack(&mut b, 0, FastOpen::new(&[7; 8]));
    b.flush();
    let old = b.id;
    b.tcp.abort(b.now, old);
    b.flush();
    b.id = b.tcp.open();
    assert_eq!(send_to(&mut b, b"data"), Ok(0));
    assert_eq!(syn(&mut b).repr.options.fast_open, Some(FastOpen::REQUEST));
}
