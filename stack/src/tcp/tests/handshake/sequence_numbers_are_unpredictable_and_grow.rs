//! RFC 9293 section 3.4.1 (MUST-8, SHLD-1), RFC 6528: the first sequence number depends on the 4-tuple, a secret and the time.

use super::*;

fn iss(b: &mut Bench, local: u16) -> u32 {
    let id = b.tcp.open();
    b.tcp.bind(id, SocketAddrV4::new(US, local)).unwrap();
    assert_eq!(b.tcp.connect(b.now, id, b.peer_addr(), US, 1500), Err(Error::InProgress));
    let seq = b.flush()[0].repr.seq.0;
    b.tcp.abort(b.now, id);
    b.flush();
    seq
}

#[test]
fn sequence_numbers_are_unpredictable_and_grow() {
    let mut b = Bench::new();
    let first = iss(&mut b, 1000);
    // Another 4-tuple: another number, however close in time.
    let other = iss(&mut b, 1001);
    assert!(first.abs_diff(other) > 1000);
    // The clock of one 4-tuple: 64 ns a tick.
    b.advance(ms(10));
    assert_eq!(iss(&mut b, 1000).wrapping_sub(first), 160_000);
    // Another secret: another number.
    let mut c = Bench::new();
    c.tcp = Tcp::new(TcpOptions::default(), [8; 32]);
    assert_ne!(iss(&mut c, 1000), first);
    // A listener's, likewise.
    let mut l = Bench::listening(5);
    let one = l.client_syn(PLAIN).repr.seq.0;
    l.remote += 1;
    assert!(one.abs_diff(l.client_syn(PLAIN).repr.seq.0) > 1000);
}
