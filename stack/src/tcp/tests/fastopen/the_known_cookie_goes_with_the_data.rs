//! RFC 7413 section 4.2.1: with the peer's cookie the SYN carries data, as much as the peer's MSS and all options leave room for.

use super::*;

#[test]
fn the_known_cookie_goes_with_the_data() {
    let mut b = client();
    assert_eq!(send_to(&mut b, b"hello"), Ok(5));
    let syn = syn(&mut b);
    assert_eq!((&syn.payload[..], syn.repr.options.fast_open), (&b"hello"[..], FastOpen::new(&[7; 8])));
    assert!(b.tcp.pending_output());
    b.advance(ms(10));
    syn_ack(&mut b, 5, None);
    assert_eq!(b.state(), TcpState::Established);
    assert_eq!(b.sent(), vec![(ACK, 6, 0)]);
    let i = b.info();
    assert_eq!((i.syn_data, i.fast_open_fail, i.bytes_acked, i.srtt), (true, 0, 5, ms(10)));
    assert!(!b.tcp.pending_output());
    assert_eq!(b.counters.tcp_fastopen_active, 1);
    b.send(b"next");
    assert_eq!(b.sent(), vec![(ACK | PSH, 6, 4)]);
    b.peer(ACK, 1, 10, &[]);
    assert_eq!(b.info().bytes_acked, 9);
}

#[test]
fn as_much_as_fits_goes() {
    let mut b = client();
    // The peer's MSS was 1000; 40 bytes are left for options.
    assert_eq!(send_to(&mut b, &[1; 5000]), Ok(960));
    assert_eq!(syn(&mut b).payload.len(), 960);
    syn_ack(&mut b, 960, None);
    b.flush();
    assert_eq!(b.tcp.send(b.now, b.id, &[1; 4040], false), Ok(4040));
    assert_eq!(b.sent().iter().map(|s| s.2).sum::<usize>(), 4040);
}

#[test]
fn a_cookie_in_the_answer_replaces_the_old_one() {
    let mut b = client();
    send_to(&mut b, b"hello").unwrap();
    syn(&mut b);
    syn_ack(&mut b, 5, FastOpen::new(&[8; 8]));
    b.flush();
    b.tcp.abort(b.now, b.id);
    b.flush();
    b.id = b.tcp.open();
    send_to(&mut b, b"hello").unwrap();
    assert_eq!(syn(&mut b).repr.options.fast_open, FastOpen::new(&[8; 8]));
}
